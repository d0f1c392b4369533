import { expect } from 'chai'
import type { ScriptedPerson } from '../../bridges/sandbox/people.ts'
import { networks } from '../../config/bridge-schema.ts'
import type { Strike } from '../support/bridges/struck-bridge.ts'
import { eventually, openStruckTown, type Quarter, type StruckTown } from '../support/bridges/struck-town.ts'

const kills = Number(process.env['TOMBOLO_KILLS'] ?? 100)

const pointsIn = [
  ...['webhook received', 'webhook stored', 'webhook answered', 'item taken', 'portal known', 'ghost known', 'room made', 'ghost joined'],
  ...['homeserver answered', 'event encrypted', 'event stored', 'event sent', 'event noted', 'item applied', 'item done'],
]
const pointsOut = [
  ...['transaction received', 'transaction stored', 'transaction answered', 'transaction taken', 'transaction drained', 'event read'],
  ...['event queued', 'part taken', 'part submitting', 'part answered', 'part settled', 'webhook received', 'webhook stored', 'item taken'],
  ...['item applied', 'item done', 'event stored', 'event sent', 'event noted', 'state shown', 'homeserver answered'],
]
/** Ends of a send that a person can see. */
const told = /^\w+ (sent|delivered|read)$/
const calledUnknown = /^\w+ unknown$/

describe(`a bridge that is killed ${kills} times each way and network, at every point that a message passes`, function () {
  this.timeout(900_000)
  let town: StruckTown
  before(async () => {
    town = await openStruckTown()
  })
  after(() => town?.close())

  const everywhere = () =>
    town.alice.rooms().flatMap((room) =>
      town.alice
        .in(room)
        .sees()
        .map((seen) => ({ room, ...seen })),
    )
  const seen = (text: string) => everywhere().filter((message) => message.text === text)
  const arrives = (text: string) => eventually(`Alice sees ${text}`, () => seen(text)[0], stand)
  const stand = async () => {
    const lines = everywhere().map((one) => one.text)
    const passed = networks.map((network) => `${network}: ${town.quarters[network].bridge().passed.slice(-40).join()}`)
    return `${JSON.stringify(lines)}\n${passed.join('\n')}\n${town.logs()}`
  }

  it('brings in every message once, into one room for each person, and tells of it before it is told again', async () => {
    await Promise.all(networks.map((network) => strikeIn(town.quarters[network])))
  })

  it('carries out every message once and in order, or says that it is not known what became of it', async () => {
    await Promise.all(networks.map((network) => strikeOut(town.quarters[network])))
  })

  async function strikeIn(quarter: Quarter): Promise<void> {
    const { network } = quarter
    let people = 0
    const tell = async () => {
      const name = `${network} ${people++}`
      await (await quarter.newcomer(name)).says(`from ${name}`)
      return () => arrives(`from ${name}`)
    }
    await strikeEach(quarter, pointsIn, tell)
    const rooms = new Set<string>()
    for (let n = 0; n < people; n++) {
      const found = seen(`from ${network} ${n}`)
      expect(found, `${network} ${n}`).to.have.length(1)
      rooms.add(found[0]!.room)
    }
    expect(rooms.size, network).to.equal(people)
  }

  async function strikeOut(quarter: Quarter): Promise<void> {
    const { network } = quarter
    const person = await quarter.newcomer(`${network} friend`)
    await person.says(`${network} hello`)
    const { room } = await arrives(`${network} hello`)
    const said: { text: string; event: string }[] = []
    const tell = async () => {
      // WhatsApp takes one message in six seconds for a person.
      await town.sandbox.control.advance({ ms: 20_000 })
      const text = `to ${network} ${said.length}`
      const event = await town.alice.in(room).says(text)
      said.push({ text, event })
      const before = quarter.sendsCutOff()
      // A send that was cut off may be lost, which is told after a while, and looked for at the end.
      const here = async () => ((await textsOf(person)).includes(text) || quarter.sendsCutOff() > before ? true : undefined)
      return () => eventually(`${network} sees ${text}`, here, stand)
    }
    await strikeEach(quarter, pointsOut, tell)
    await settled(quarter, room, person, said)
  }

  async function settled(quarter: Quarter, room: string, person: ScriptedPerson, said: readonly { text: string; event: string }[]) {
    const { network } = quarter
    const seat = town.alice.in(room)
    const endOf = ({ event }: { event: string }) => seat.fateOf(event).find((fate) => told.test(fate)) ?? seat.fateOf(event).at(-1)
    const open = () => said.filter((one) => !/ (sent|delivered|read|unknown)$/.test(endOf(one) ?? ''))
    await eventually(
      `the fate of all on ${network}`,
      () => (open().length === 0 ? true : undefined),
      () => JSON.stringify(open()),
    )
    const texts = (await textsOf(person)).filter((text) => text.startsWith('to '))
    const arrived = said.filter(({ text }) => texts.includes(text)).map(({ text }) => text)
    expect(texts, network).to.deep.equal(arrived)
    const lost = said.filter(({ text }) => !texts.includes(text))
    expect(lost.length, 'messages that are not known to have arrived').to.be.at.most(quarter.sendsCutOff())
    for (const one of lost) {
      expect(endOf(one), one.text).to.match(calledUnknown)
      expect(seat.sees().filter(({ replyTo, text }) => replyTo === one.event && /may have been sent/.test(text))).to.have.length(1)
    }
  }

  /** Records what one telling passes, then tells again and again and ends the bridge at each of these passings in turn. */
  async function strikeEach(quarter: Quarter, points: readonly string[], tell: () => Promise<() => Promise<unknown>>): Promise<void> {
    const struck = new Set<string>()
    const all = await passings(quarter, points, tell)
    const strikes = all.filter(({ point, nth }) => points.includes(point) && (nth <= 2 || !point.startsWith('transaction')))
    for (let n = 0, landed = 0; landed < kills; n++) {
      expect(n, 'tellings').to.be.below(kills * 2)
      const strike = strikes[n % strikes.length]!
      await quarter.bridge().order({ strike })
      const arrived = await tell()
      const isStruck = await endsBefore(quarter, arrived())
      if (isStruck) {
        landed++
        struck.add(strike.point)
        // Every eighth is struck once more, while it works off what it had left.
        const again = n % 8 === 7 ? points[n % points.length] : undefined
        await quarter.start(again === undefined ? {} : { strike: { point: again, nth: 1 } })
      }
      const hasArrived = arrived()
      if (await endsBefore(quarter, hasArrived)) await quarter.start()
      await hasArrived
    }
    if (kills >= strikes.length) expect([...struck], quarter.network).to.include.members(points)
  }

  /** Whether the bridge ends before this has come about and the bridge has become quiet. */
  async function endsBefore(quarter: Quarter, arrived: Promise<unknown>): Promise<boolean> {
    const bridge = quarter.bridge()
    await Promise.race([bridge.ended, arrived.then(() => bridge.quiet()).catch(() => undefined)])
    return bridge.isEnded()
  }

  async function passings(quarter: Quarter, points: readonly string[], tell: () => Promise<() => Promise<unknown>>): Promise<Strike[]> {
    await quarter.bridge().quiet()
    quarter.bridge().passed.length = 0
    await (await tell())()
    const missed = () => points.filter((point) => !quarter.bridge().passed.includes(point))
    await eventually(
      `${quarter.network} has passed all points`,
      () => (missed().length === 0 ? true : undefined),
      () => missed().join(),
    )
    await quarter.bridge().quiet()
    const counts = new Map<string, number>()
    return quarter.bridge().passed.map((point) => {
      counts.set(point, (counts.get(point) ?? 0) + 1)
      return { point, nth: counts.get(point)! }
    })
  }

  async function textsOf(person: ScriptedPerson): Promise<string[]> {
    return (await person.sees()).filter(({ from }) => from !== 'me').map(({ text }) => text)
  }
})
