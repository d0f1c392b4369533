import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve as resolvePath } from 'node:path'
import { parseArgs } from 'node:util'
import { parse as parseYaml } from 'yaml'
import type { Schema, ValuesOf } from './key.ts'
import { type Findings, namedKeys, resolve, warnOfReaders } from './resolve.ts'
import { type Config, type Listener, schema } from './schema.ts'

export type Asked = { file?: string | undefined; argv?: readonly string[]; env?: Readonly<Record<string, string | undefined>> }
export type Loaded<C> = { config: C; warnings: readonly string[]; file: string | undefined; checkOnly: boolean }

/** The configuration cannot be used. The message has one line for each thing that is wrong and says what to write. */
export class ConfigError extends Error {}

const prefix = 'TOMBOLO_'
export const fileName = 'tombolo.yaml'

/**
 * The server's configuration from `--config FILE` (or one bare argument, or TOMBOLO_CONFIG, or DATA/tombolo.yaml when it is there), the environment
 * and `-O key=value`. `--data FOLDER` sets data_dir. Throws a ConfigError; what is only odd comes back as warnings, to be printed.
 */
export function load({ file, argv = [], env = {} }: Asked): Loaded<Config> {
  const asked = readArguments(argv)
  const named = file ?? asked.file ?? env[`${prefix}CONFIG`]
  const inData = join(resolvePath(asked.data ?? env[`${prefix}DATA_DIR`] ?? 'data'), fileName)
  const used = named === undefined ? (existsSync(inData) ? inData : undefined) : resolvePath(named)
  const loaded = loadWith(schema, { file: used, overrides: asked.overrides, env, prefix })
  const config = complete(loaded.config)
  return { config, warnings: loaded.warnings, file: used, checkOnly: asked.checkOnly }
}

/** The same for any schema: the bridges have their own. */
export function loadWith<S extends Schema>(
  table: S,
  {
    file,
    overrides,
    env,
    prefix,
  }: { file: string | undefined; overrides: ReadonlyMap<string, string>; env: Asked['env'] & object; prefix: string },
): { config: ValuesOf<S>; warnings: readonly string[] } {
  const findings: Findings = { warnings: [], errors: [] }
  const written = file === undefined ? {} : readFile(file)
  const folder = file === undefined ? process.cwd() : dirname(file)
  const config = resolve(table, { file: written, folder, env, overrides, prefix }, findings)
  if (file !== undefined && holdsSecrets(table, written)) warnOfReaders(file, findings)
  if (findings.errors.length)
    throw new ConfigError([`${file ?? 'The configuration'} cannot be used:`, ...findings.errors.map((one) => `  ${one}`)].join('\n'))
  return { config, warnings: findings.warnings }
}

/** `--config`, `--data`, `--check-config` and any number of `-O key=value`. */
export function readArguments(argv: readonly string[]) {
  const options = {
    config: { type: 'string', short: 'c' },
    data: { type: 'string' },
    option: { type: 'string', short: 'O', multiple: true },
    'check-config': { type: 'boolean', default: false },
  } as const
  const { values, positionals } = parsed(() => parseArgs({ args: [...argv], options, allowPositionals: true }))
  const pairs = (values.option ?? []).map((pair): [string, string] => {
    const [name = '', ...rest] = pair.split('=')
    if (rest.length === 0) throw new ConfigError(`-O ${pair}: write -O key=value, for example -O log.level=debug`)
    return [name, rest.join('=')]
  })
  const overrides = new Map([...(values.data === undefined ? [] : [['data_dir', resolvePath(values.data)] as const]), ...pairs])
  return { file: values.config ?? positionals[0], data: values.data, overrides, checkOnly: values['check-config'] }
}

function parsed<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error))
  }
}

function readFile(file: string): unknown {
  return parsed(() => {
    const written: unknown = parseYaml(readFileSync(file, 'utf8')) ?? {}
    if (typeof written !== 'object' || Array.isArray(written))
      throw new Error(`${file}: write keys and values, for example server_name: example.org`)
    return written
  })
}

function holdsSecrets(table: Schema, written: unknown): boolean {
  return namedKeys(table).some(
    ({ at, key }) =>
      key.secret && at.split('.').reduce<unknown>((node, name) => (node as Record<string, unknown> | undefined)?.[name], written),
  )
}

/** What follows from other keys, and what does not go together. */
function complete(config: Config): Config {
  const { database, listeners } = config
  const wrong: string[] = []
  if (database.kind === 'postgres' && !database.url)
    wrong.push('database.url: write the PostgreSQL URL, for example postgresql://tombolo@localhost/tombolo')
  listeners.forEach((one, index) => {
    if (Boolean(one.tls_certificate) !== Boolean(one.tls_key))
      wrong.push(`listeners[${index}]: write both tls_certificate and tls_key, or neither`)
  })
  if (wrong.length) throw new ConfigError(['The configuration cannot be used:', ...wrong.map((one) => `  ${one}`)].join('\n'))
  const reached = config.public_baseurl || ownBaseUrl(config)
  return { ...config, public_baseurl: reached.endsWith('/') ? reached : `${reached}/` }
}

/** On a machine of one's own the listener's port; otherwise the server's name over HTTPS. */
function ownBaseUrl({ server_name, listeners }: Config): string {
  const listener: Listener | undefined = listeners.find(({ serves }) => serves.includes('client'))
  if (server_name !== 'localhost' || !listener) return `https://${server_name}/`
  return `${listener.tls_certificate ? 'https' : 'http'}://localhost:${listener.port}/`
}
