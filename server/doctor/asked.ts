import { parseArgs } from 'node:util'
import { ConfigError } from '../../config/load.ts'
import { isServerName, type ServerName } from '../core/ids.ts'
import type { Route } from '../remote/dialing.ts'

/** What the command line asks for. */
export type Asked = {
  readonly peers: readonly ServerName[]
  /** What the configuration's loader reads. */
  readonly argv: readonly string[]
  readonly json: boolean
  readonly help: boolean
  readonly dns: string | undefined
  readonly routes: ReadonlyMap<string, Route>
}

export const help = `npm run doctor -- [SERVER …]

Looks at this homeserver from inside and, as far as that can be seen from here, from outside; with the names of other servers also at the way to them
and back. Says what to change. Changes nothing itself. Ends with 1 when something is wrong.

  --config FILE                 the configuration, where it is not data/tombolo.yaml
  --data FOLDER                 the data folder, where it is not data
  -O key=value                  a setting, as for the server
  --dns ADDRESS[:PORT]          asks this resolver instead of the system's, such as 1.1.1.1 for what the world outside is told
  --connect-to H:P=H:P          goes to another place for a host and port: to try what is not in the DNS yet
  --json                        findings for programs
`

const options = {
  config: { type: 'string', short: 'c' },
  data: { type: 'string' },
  option: { type: 'string', short: 'O', multiple: true },
  dns: { type: 'string' },
  'connect-to': { type: 'string', multiple: true },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** Reads the command line. Throws a ConfigError in words for what is none. */
export function readAsked(args: readonly string[]): Asked {
  const { values, positionals } = parsed(args)
  for (const name of positionals) {
    if (!isServerName(name))
      throw new ConfigError(`${name} is not the name of a server: write it as it stands in user ids, such as matrix.org`)
  }
  const { config, data, option = [], dns, 'connect-to': routes = [], json, help: wantsHelp } = values
  return {
    peers: [...new Set(positionals)],
    argv: [
      ...(config === undefined ? [] : ['--config', config]),
      ...(data === undefined ? [] : ['--data', data]),
      ...option.flatMap((pair) => ['-O', pair]),
    ],
    json,
    help: wantsHelp,
    dns: checkedDns(dns),
    routes: new Map(routes.map(readRoute)),
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new ConfigError(`${error instanceof Error ? error.message : error}\n\n${help}`)
  }
}

const hostAndPort = /^(\[[0-9a-fA-F:.]+\]|[0-9a-zA-Z.-]+):(\d{1,5})$/

function readRoute(text: string): [string, Route] {
  const [from = '', to = ''] = text.split('=')
  const [, asked, askedPort] = hostAndPort.exec(from) ?? []
  const [, hostname, port] = hostAndPort.exec(to) ?? []
  if (asked === undefined || hostname === undefined) {
    throw new ConfigError(`--connect-to ${text}: write --connect-to example.org:443=192.0.2.7:443`)
  }
  return [`${bare(asked)}:${askedPort}`, { hostname: bare(hostname), port: Number(port) }]
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}

function checkedDns(server: string | undefined): string | undefined {
  if (server === undefined || /^(?:[\d.]+(?::\d{1,5})?|\[[0-9a-fA-F:.]+\](?::\d{1,5})?|[0-9a-fA-F:]+)$/.test(server)) return server
  throw new ConfigError(`--dns ${server}: write the address of a resolver, such as --dns 1.1.1.1`)
}
