import { join, resolve } from 'node:path'
import { networks } from '../bridge-schema.ts'
import { readFirstAccountToken } from '../first-start.ts'
import { readArguments } from '../load.ts'
import { type House, supervise } from './supervise.ts'

const project = join(import.meta.dirname, '../..')
const programs = {
  server: join(project, 'server/start.mjs'),
  sandbox: join(project, 'bridges/sandbox/main.ts'),
  bridge: join(project, 'bridges/main.ts'),
}

const say = (line: string) => void process.stdout.write(`${line}\n`)

function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
}

/** What a newcomer does next. */
function welcome({ config, sandboxed, logs }: House, data: string): string {
  const { public_baseurl: page, data_dir } = config
  const token = readFirstAccountToken(data_dir)
  const tokens = networks.filter((network) => !sandboxed.includes(network))
  return [
    '',
    `Tombolo runs. Its page        ${page}`,
    ...(token
      ? [
          `Make the first account        ${page}_tombolo/first-account#${token}`,
          '                              (this link works once; the account administrates)',
        ]
      : []),
    `In a Matrix client            choose "other homeserver" and write ${page}`,
    ...(tokens.length ? [`Bridges with a token          ${tokens.join(', ')}`] : []),
    ...(sandboxed.length
      ? [`Bridges in the sandbox        ${sandboxed.join(', ')} (tokens go into ${join(data, 'bridges')}/NETWORK.yaml)`]
      : []),
    `Configuration and logs        ${join(data, 'tombolo.yaml')}, ${logs}`,
    'Ctrl-C ends everything; the next start goes on where this one ended.',
    '',
  ].join('\n')
}

/** The first signal drains, the second one does not wait. */
function endWith(house: House): void {
  let signals = 0
  const end = () => {
    signals += 1
    if (signals === 1) say('Ending: first the bridges, then the homeserver …')
    if (signals > 1) house.kill()
    if (signals === 1) void house.stop().then(() => process.exit(0), fail)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end)
  // npm ends at a signal without handing it on.
  const { ppid } = process
  const look = () => process.ppid !== ppid && signals === 0 && end()
  if (process.env['npm_lifecycle_event'] !== undefined) setInterval(look, 500).unref()
}

try {
  const argv = process.argv.slice(2)
  const { data: named, overrides } = readArguments(argv)
  const data = resolve(named ?? process.env['TOMBOLO_DATA_DIR'] ?? 'data')
  const options = [...overrides].filter(([at]) => at !== 'data_dir').flatMap(([at, value]) => ['-O', `${at}=${value}`])
  say('Starting …')
  const house = await supervise({ data, argv: options, env: process.env, programs, say })
  endWith(house)
  say(welcome(house, data))
} catch (error) {
  fail(error)
}
