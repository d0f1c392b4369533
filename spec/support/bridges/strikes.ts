import { expect } from 'chai'
import type { Strike } from './struck-bridge.ts'
import { eventually, type Quarter } from './struck-town.ts'

/** Something that happens on one side and has an effect on the other. */
export type Story = {
  readonly name: string
  /** Points that a bridge passes while it carries this. */
  readonly points: readonly string[]
  /** Brings about what must be there before; nothing is struck meanwhile. */
  prepare?(): Promise<void>
  /** Lets it happen once more; gives what waits for its effect. */
  tell(): Promise<() => Promise<unknown>>
}
type Blow = { readonly story: Story; readonly strike: Strike }

/**
 * Records what one telling of each story passes, then tells them in turn, again and again, and ends the bridge at one of these passings, where it was
 * ended least, until it was ended so many times. Gives the points at which it was.
 */
export async function strikeEach(quarter: Quarter, stories: readonly Story[], kills: number): Promise<ReadonlySet<string>> {
  const blows: Blow[][] = []
  for (const story of stories) blows.push(await recordBlows(quarter, story))
  const struck = new Map<string, number>()
  const tried = new Map<Blow, number>()
  const weight = (blow: Blow) => (struck.get(blow.strike.point) ?? 0) + (tried.get(blow) ?? 0)
  for (let n = 0, landed = 0; landed < kills; n++) {
    expect(n, 'tellings').to.be.below(kills * 2)
    const blow = least(blows[n % blows.length] ?? [], weight)
    const { story, strike } = blow
    tried.set(blow, (tried.get(blow) ?? 0) + 1)
    await calm(quarter)
    await story.prepare?.()
    // What was prepared is settled: the strike is for what comes.
    await quarter.bridge().quiet()
    await quarter.bridge().order({ strike })
    const arrived = await story.tell()
    if (await endsBefore(quarter, arrived())) {
      landed++
      struck.set(strike.point, (struck.get(strike.point) ?? 0) + 1)
      // Every ninth is struck once more, while it works off what it had left.
      const again = landed % 9 === 0 ? story.points[n % story.points.length] : undefined
      await quarter.start(again === undefined ? {} : { strike: { point: again, nth: 1 } })
    } else await calm(quarter)
    const hasArrived = arrived()
    if (await endsBefore(quarter, hasArrived)) await quarter.start()
    await hasArrived
  }
  return new Set(struck.keys())
}

/** Takes back what it was told before: from here on the bridge lives. */
export async function calm(quarter: Quarter): Promise<void> {
  await quarter.bridge().order({})
  if (quarter.bridge().isEnded()) await quarter.start()
}

/** Whether the bridge ends before this has come about and the bridge has become quiet. */
export async function endsBefore(quarter: Quarter, arrived: Promise<unknown>): Promise<boolean> {
  const bridge = quarter.bridge()
  await Promise.race([bridge.ended, arrived.then(() => bridge.quiet()).catch(() => undefined)])
  return bridge.isEnded()
}

/** Each point that a story passes, at one of its passings first, then at all others. */
async function recordBlows(quarter: Quarter, story: Story): Promise<Blow[]> {
  await story.prepare?.()
  await quarter.bridge().quiet()
  quarter.bridge().passed.length = 0
  await (await story.tell())()
  const missed = () => story.points.filter((point) => !quarter.bridge().passed.includes(point))
  await eventually(
    `${quarter.network} has passed all points of ${story.name}`,
    () => (missed().length === 0 ? true : undefined),
    () => missed().join(),
  )
  await quarter.bridge().quiet()
  const passings = Map.groupBy(
    quarter.bridge().passed.filter((point) => story.points.includes(point)),
    (point) => point,
  )
  const first = [...passings].map(([point, all], at) => ({ point, nth: 1 + (at % all.length) }))
  const rest = [...passings].flatMap(([point, all], at) =>
    all.flatMap((_, index) => (index === at % all.length ? [] : [{ point, nth: index + 1 }])),
  )
  return [...first, ...rest].map((strike) => ({ story, strike }))
}

/** The first of those that weigh least. */
export function least<T>(list: readonly T[], weight: (one: T) => number): T {
  return list.reduce((best, one) => (weight(one) < weight(best) ? one : best))
}
