import { networkTitles } from '../../bridges/kit/names.ts'
import { type Member, meetEverybody, members, names, prefixes } from './cast.ts'
import { type Act, evening, faultsIn, linesOf, perform, speakerOf } from './evening.ts'
import { numbers, openScene, type Scene, until } from './scene.ts'
import { drawHead, drawLines, drawNote, type Entry } from './side-by-side.ts'

const titles: Readonly<Record<Member, string>> = { matrix: 'Matrix', ...networkTitles }

/** Draws what has come to each of the four since the last look. A line that stands there twice is drawn twice. */
function createPainter(scene: Scene): () => Promise<void> {
  const drawn = new Map<Member, string[]>(members.map((who) => [who, []]))
  return async () => {
    const columns: Entry[][] = []
    for (const who of members) {
      const known = [...(drawn.get(who) ?? [])]
      const news = (await linesOf(scene, who)).filter((line) => {
        const at = known.indexOf(line)
        if (at >= 0) known.splice(at, 1)
        return at < 0
      })
      drawn.get(who)?.push(...news)
      columns.push(news.map((line) => entryOf(line, who)))
    }
    drawLines(columns)
  }
}

function entryOf(line: string, who: Member): Entry {
  const tone = speakerOf(line)
  const shown = line.startsWith(prefixes[who]) ? `▸ ${line.slice(prefixes[who].length)}` : line
  const text = shown.replace(/: (?=↩ )/, ':\n').replace(/(↩ “[^”]*”) /, '$1\n')
  return tone === undefined ? { text } : { text, tone }
}

async function act(scene: Scene, paint: () => Promise<void>): Promise<void> {
  const done: Act[] = []
  for (const one of evening) {
    if (one.kind === 'passes') {
      await scene.control.advance({ ms: one.hours * 3_600_000 })
      drawNote(`— ${one.words} —`)
      continue
    }
    const kill = one.kind === 'says' ? one.kill : undefined
    if (kill) drawNote(`the ${kill === 'server' ? 'homeserver' : `${titles[kill]} bridge`} is killed (SIGKILL) and started again`)
    const killed = kill ? scene.killAndStart(kill) : undefined
    await perform(scene, one)
    done.push(one)
    // Drawn in one go when everybody has it; what takes long is drawn as it comes.
    await waitUntilSeen(scene, done, 3000)
      .catch(() => waitUntilSeen(scene, done, 15_000, paint))
      .catch(() => undefined)
    await paint()
    await killed
  }
}

function waitUntilSeen(scene: Scene, done: readonly Act[], withinMs: number, paint?: () => Promise<void>): Promise<void> {
  const isSeen = async () => {
    await paint?.()
    return (await faultsOf(scene, done)).length === 0
  }
  return until('everybody sees it', isSeen, () => '', withinMs)
}

async function faultsOf(scene: Scene, acts: readonly Act[]): Promise<string[]> {
  const faults = await Promise.all(
    members.map(async (who) => faultsIn(await linesOf(scene, who), acts, who, Object.values(numbers)).map((one) => `${names[who]} ${one}`)),
  )
  return faults.flat()
}

async function main(): Promise<number> {
  process.stdout.write('Starting a homeserver, three bridges and the stand-ins for the networks …\n\n')
  const scene = await openScene()
  try {
    await meetEverybody(scene)
    drawHead(members.map((who, tone) => ({ text: `${names[who]} · ${titles[who]}`, tone })))
    await act(scene, createPainter(scene))
    const acts = evening.filter(({ kind }) => kind !== 'passes')
    const encryption = (await scene.alice.faults()).map((fault) => `Alice's encryption: ${fault}`)
    const faults = [...(await faultsOf(scene, acts)), ...encryption]
    for (const fault of faults) process.stdout.write(`✘ ${fault}\n`)
    if (faults.length === 0) {
      drawNote(
        `${acts.length} things said and done by four people on four apps, each seen once by everybody whom it could reach; encrypted throughout; nobody saw a number of anybody`,
      )
    }
    return faults.length === 0 ? 0 : 1
  } finally {
    await scene.close()
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exit(1)
  },
)
