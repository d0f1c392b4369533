import { readFileSync, statSync } from 'node:fs'
import { isAbsolute, resolve as resolvePath } from 'node:path'
import { parse as parseYaml } from 'yaml'
import type { Group, Key, Reading, Schema, ValuesOf } from './key.ts'
import { Refused } from './key.ts'
import { nearest } from './nearest.ts'

/** Where values come from. Overrides (the command line) win over the environment, that over the file, that over the defaults. */
export type Sources = {
  readonly file: unknown
  readonly folder: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly overrides: ReadonlyMap<string, string>
  readonly prefix: string
}
export type Findings = { readonly warnings: string[]; readonly errors: string[] }
type Walk = { sources: Sources; findings: Findings; dataFolder: string }
/** Paths in the file start at its folder, those of variables and the command line where one stands. */
type Found = { value: unknown; from: string; isOutside?: boolean }

/** The environment variable of a key: `registration.open` is `TOMBOLO_REGISTRATION_OPEN`. */
export function variableName(prefix: string, at: string): string {
  return prefix + at.replaceAll('.', '_').toUpperCase()
}

/** All keys of a schema by their dotted names. */
export function namedKeys(schema: Schema, above = ''): { at: string; key: Key<unknown> }[] {
  return Object.entries(schema).flatMap(([name, entry]) => {
    const at = above + name
    return entry.kind === 'group' ? namedKeys(entry.keys, `${at}.`) : [{ at, key: entry }]
  })
}

/** A list of groups, each with its own keys (listeners). */
export function records<S extends Schema>(words: string, fallback: readonly unknown[], items: S): Key<readonly ValuesOf<S>[]> {
  const expects = `a list of groups with ${Object.keys(items).join(', ')}`
  const readOne = (one: unknown, reading: Reading) => {
    if (!isRecord(one)) throw new Refused(expects)
    const findings: Findings = { warnings: [], errors: [] }
    const sources: Sources = { file: one, folder: reading.folder, env: {}, overrides: new Map(), prefix: '' }
    const values = walk(items, one, `${reading.at}.`, { sources, findings, dataFolder: reading.folder })
    for (const warning of findings.warnings) reading.warn(warning)
    if (findings.errors.length) throw new Refused(`${expects} (${findings.errors.join('; ')})`)
    return values as ValuesOf<S>
  }
  const read = (value: unknown, reading: Reading) => {
    if (!Array.isArray(value)) throw new Refused(expects)
    return value.map((one, index) => readOne(one, { ...reading, at: `${reading.at}[${index}]` }))
  }
  return { kind: 'key', words, fallback, secret: false, optional: false, pathFrom: undefined, expects, items, read }
}

/** Reads every key of the schema; what is wrong or unknown is collected in `findings`, so that people see all of it at once. */
export function resolve<S extends Schema>(schema: S, sources: Sources, findings: Findings): ValuesOf<S> {
  const values = walk(schema, fileNode(sources.file), '', { sources, findings, dataFolder: dataFolderOf(schema, sources) })
  for (const at of sources.overrides.keys()) {
    if (!namedKeys(schema).some((known) => known.at === at)) findings.errors.push(`-O ${at}: there is no such key${suggestion(at, schema)}`)
  }
  warnOfVariables(schema, sources, findings)
  return values as ValuesOf<S>
}

/** Defaults that are paths start there. */
function dataFolderOf(schema: Schema, sources: Sources): string {
  const entry = schema['data_dir']
  const unheard: Findings = { warnings: [], errors: [] }
  const state = { sources, findings: unheard, dataFolder: sources.folder }
  return entry?.kind === 'key' ? String(readKey(entry, 'data_dir', fileNode(sources.file), state) ?? sources.folder) : sources.folder
}

function walk(schema: Schema, node: Record<string, unknown>, above: string, state: Walk): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [name, entry] of Object.entries(schema)) {
    const at = above + name
    values[name] =
      entry.kind === 'group' ? walk(entry.keys, groupNode(node[name], at, entry, state), `${at}.`, state) : readKey(entry, at, node, state)
  }
  for (const name of Object.keys(node)) {
    if (!isKnown(schema, name))
      state.findings.warnings.push(`${above}${name} is not a key of the configuration and has no effect${suggestion(name, schema)}`)
  }
  return values
}

function isKnown(schema: Schema, name: string): boolean {
  if (Object.hasOwn(schema, name)) return true
  const entry = name.endsWith('_path') ? schema[name.slice(0, -'_path'.length)] : undefined
  return entry?.kind === 'key' && entry.secret
}

function suggestion(name: string, schema: Schema): string {
  const dotted = namedKeys(schema).map(({ at }) => at)
  const moved = dotted.find((at) => at.replaceAll('.', '_') === name || at.split('.').at(-1) === name)
  const near = moved ?? nearest(name, [...Object.keys(schema), ...dotted])
  return near ? `; did you mean ${near}?` : ''
}

/** Only near misses: an orchestrator sets variables of its own that begin with a service's name. */
function warnOfVariables(schema: Schema, { env, prefix }: Sources, findings: Findings): void {
  const known = namedKeys(schema).flatMap(({ at, key }) => [
    variableName(prefix, at),
    ...(key.secret ? [`${variableName(prefix, at)}_PATH`] : []),
  ])
  for (const name of Object.keys(env)) {
    if (!name.startsWith(prefix) || known.includes(name)) continue
    const near = nearest(name, known, 2)
    if (near) findings.warnings.push(`the environment variable ${name} has no effect; did you mean ${near}?`)
  }
}

function readKey(key: Key<unknown>, at: string, node: Record<string, unknown>, state: Walk): unknown {
  const { folder } = state.sources
  let from = at
  try {
    const found = find(key, at, node, state)
    if (found && found.from !== at) from = `${at} (from ${found.from})`
    const written = found ? found.value : key.fallback
    if (written === undefined && key.optional) return undefined
    const value = key.read(written, { at, folder, warn: (words) => state.findings.warnings.push(words) })
    const base = key.pathFrom === 'data' ? state.dataFolder : found?.isOutside ? process.cwd() : folder
    return key.pathFrom ? absolute(value, base) : value
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    state.findings.errors.push(`${from}: write ${error.message}`)
    return undefined
  }
}

function find(key: Key<unknown>, at: string, node: Record<string, unknown>, state: Walk): Found | undefined {
  const { env, overrides, prefix } = state.sources
  const name = at.split('.').at(-1)!
  const variable = variableName(prefix, at)
  const override = overrides.get(at)
  if (override !== undefined) return { value: fromText(key, override), from: 'the command line', isOutside: true }
  if (prefix && env[variable] !== undefined) return { value: fromText(key, env[variable]), from: variable, isOutside: true }
  const secretVariable = `${variable}_PATH`
  if (prefix && key.secret && env[secretVariable]) return { value: readSecret(env[secretVariable], state), from: secretVariable }
  if (node[name] !== undefined && node[name] !== null) return { value: node[name], from: at }
  const secretFile = key.secret ? node[`${name}_path`] : undefined
  return typeof secretFile === 'string' ? { value: readSecret(secretFile, state), from: `${at}_path` } : undefined
}

/** Text is taken as it is; everything else is written as it would be in the file. */
function fromText(key: Key<unknown>, written: string): unknown {
  const isText = key.secret || typeof key.fallback === 'string' || (key.optional && key.pathFrom !== undefined)
  return isText ? written : parseYaml(written)
}

function readSecret(file: string, { sources, findings }: Walk): string {
  const place = resolvePath(sources.folder, file)
  try {
    warnOfReaders(place, findings)
    return readFileSync(place, 'utf8').trim()
  } catch (error) {
    throw new Refused(`the path of a file that can be read (${error instanceof Error ? error.message : error})`)
  }
}

/** A file with a secret is for its owner's eyes. */
export function warnOfReaders(file: string, findings: Findings): void {
  if (process.platform !== 'win32' && statSync(file).mode & 0o004) {
    findings.warnings.push(`${file} holds secrets and everyone on this machine can read it: chmod 600 ${file}`)
  }
}

function absolute(value: unknown, base: string): unknown {
  if (Array.isArray(value)) return value.map((one) => absolute(one, base))
  return typeof value === 'string' && !isAbsolute(value) ? resolvePath(base, value) : value
}

function groupNode(value: unknown, at: string, { keys }: Group, { findings }: Walk): Record<string, unknown> {
  if (value !== undefined && value !== null && !isRecord(value))
    findings.errors.push(`${at}: write a group with ${Object.keys(keys).join(', ')}`)
  return isRecord(value) ? value : {}
}

function fileNode(file: unknown): Record<string, unknown> {
  return isRecord(file) ? file : {}
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
