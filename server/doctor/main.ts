import { ConfigError, load } from '../../config/load.ts'
import { product } from '../http/version.ts'
import { type Asked, help, readAsked } from './asked.ts'
import { countLevels, drawFinding, drawSummary, drawTitle, type Look } from './draw.ts'
import { partsOf } from './examine.ts'
import { attention, type Finding, ok, wrong } from './finding.ts'
import { openPatient } from './patient.ts'

/** However many servers do not answer, it ends. */
const longestMs = 180_000

const { stdout, stderr, env, argv } = process
const isTerminal = stdout.isTTY === true
const look: Look = {
  colours: isTerminal && env['NO_COLOR'] === undefined,
  width: Math.min(Math.max(isTerminal ? stdout.columns : 110, 70), 120),
}

type Told = Finding & { readonly part: string }

async function main(): Promise<number> {
  const asked = readAsked(argv.slice(2))
  if (asked.help) {
    stdout.write(help)
    return 0
  }
  const say = (line: string) => {
    if (!asked.json) stdout.write(`${line}\n`)
  }
  say(drawTitle(`The doctor of ${product.name} ${product.version}`, look))
  const told: Told[] = []
  const tell = (part: string, findings: readonly Finding[]) => {
    say(`\n${drawTitle(part, look)}`)
    for (const finding of findings) for (const line of drawFinding(finding, look)) say(line)
    told.push(...findings.map((finding) => ({ part, ...finding })))
  }
  await examine(asked, tell)
  say(`\n${drawSummary(told, look)}`)
  if (asked.json)
    stdout.write(`${JSON.stringify({ version: product.version, summary: countLevels(told), findings: told }, undefined, 2)}\n`)
  return told.some(({ level }) => level === 'wrong') ? 1 : 0
}

async function examine(asked: Asked, tell: (part: string, findings: readonly Finding[]) => void): Promise<void> {
  const loaded = loadConfig(asked.argv)
  tell('Configuration', loaded.findings)
  if (loaded.config === undefined) return
  const patient = openPatient(loaded.config, loaded.file, asked)
  for (const { title, look: findAll } of partsOf(patient, asked.peers)) {
    const end = showProgress(asked.json, title)
    const findings = await findAll().finally(end)
    tell(title, findings)
  }
  await patient.egress.close()
}

function loadConfig(args: readonly string[]) {
  const check = 'configuration'
  try {
    const { config, warnings, file } = load({ argv: args, env })
    const found = ok(check, file === undefined ? 'all is default: there is no file' : `${file} can be used`)
    return { config, file, findings: [found, ...warnings.map((words) => attention(check, words, 'Correct it or take it out.'))] }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const [first = '', ...rest] = error.message.split('\n')
    return { config: undefined, file: undefined, findings: [wrong(check, first, ...rest.map((line) => line.trim()))] }
  }
}

/** A line at a terminal that moves as long as something is looked at. */
function showProgress(quiet: boolean, title: string): () => void {
  if (quiet || !isTerminal || !stderr.isTTY) return () => {}
  const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
  let turn = 0
  const timer = setInterval(() => stderr.write(`\r${frames[turn++ % frames.length]} ${title} …`), 100)
  return () => {
    clearInterval(timer)
    stderr.write('\r\x1b[K')
  }
}

setTimeout(() => {
  stderr.write('The examination takes too long and ends here.\n')
  process.exit(1)
}, longestMs).unref()

main().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    stderr.write(`${error instanceof ConfigError ? error.message : (error as Error).stack}\n`)
    process.exitCode = 2
  },
)
