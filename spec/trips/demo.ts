import { networkTitles } from '../../bridges/kit/names.ts'
import { faultsOf, fullViewOf, type Line, type Member, meetEverybody, members, names, prefixes, says, viewOf } from './cast.ts'
import { numbers, openScene, type Scene, until } from './scene.ts'
import { drawHead, drawLines, drawNote } from './side-by-side.ts'

/** What is said, and which process is killed while it is said. */
const play: readonly (Line & { kill?: 'server' | 'messenger' })[] = [
  { by: 'instagram', text: 'Is the blue bike still for sale? 🚲' },
  { by: 'matrix', text: 'Yes! 120 euros, and the lock comes with it' },
  { by: 'whatsapp', text: 'I can bring it on Saturday' },
  { by: 'messenger', text: 'Saturday suits me too' },
  { by: 'whatsapp', text: 'At ten, by the old bridge?', kill: 'messenger' },
  { by: 'matrix', text: 'Ten is fine', kill: 'server' },
  { by: 'instagram', text: 'Perfect, see you there!' },
]
const titles: Readonly<Record<Member, string>> = { matrix: 'Matrix', ...networkTitles }

/** Draws what has come to each of the four since the last look. A line that stands there twice is drawn twice. */
function createPainter(scene: Scene): () => Promise<void> {
  const drawn = new Map<Member, string[]>(members.map((who) => [who, []]))
  const short = (who: Member, line: string) => (line.startsWith(prefixes[who]) ? `▸ ${line.slice(prefixes[who].length)}` : line)
  return async () => {
    const columns: string[][] = []
    for (const who of members) {
      const known = [...(drawn.get(who) ?? [])]
      const news = (await fullViewOf(scene, who)).filter((line) => {
        const at = known.indexOf(line)
        if (at >= 0) known.splice(at, 1)
        return at < 0
      })
      drawn.get(who)?.push(...news)
      columns.push(news.map((line) => short(who, line)))
    }
    drawLines(columns)
  }
}

async function act(scene: Scene, paint: () => Promise<void>): Promise<Line[]> {
  const said: Line[] = []
  for (const { kill, ...line } of play) {
    if (kill) drawNote(`the ${kill === 'server' ? 'homeserver' : `${kill} bridge`} is killed (SIGKILL) and started again`)
    const killed = kill ? scene.killAndStart(kill) : undefined
    await says(scene, line.by, line.text)
    said.push(line)
    await until(
      `everybody reads "${line.text}"`,
      async () => {
        await paint()
        const views = await Promise.all(members.map((who) => viewOf(scene, who)))
        return views.every((view) => view.some((seen) => seen.endsWith(line.text)))
      },
      () => '',
    ).catch(() => undefined)
    await killed
  }
  return said
}

async function judge(scene: Scene, said: readonly Line[]): Promise<string[]> {
  const faults = await Promise.all(
    members.map(async (who) => faultsOf(await viewOf(scene, who), said, Object.values(numbers)).map((fault) => `${names[who]} ${fault}`)),
  )
  return [...faults.flat(), ...(await scene.alice.faults()).map((fault) => `Alice's encryption: ${fault}`)]
}

async function main(): Promise<number> {
  process.stdout.write('Starting a homeserver, three bridges and the stand-ins for the networks …\n\n')
  const scene = await openScene()
  try {
    drawHead(members.map((who) => `${names[who]} · ${titles[who]}`))
    await meetEverybody(scene)
    const paint = createPainter(scene)
    const faults = await judge(scene, await act(scene, paint))
    for (const fault of faults) process.stdout.write(`✘ ${fault}\n`)
    if (faults.length === 0) {
      drawNote(`${play.length} messages, four people, each read once by everybody; encrypted throughout; nobody saw a number of anybody`)
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
