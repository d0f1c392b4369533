/** What reading a value may say and needs to know. `folder` is where relative paths start. */
export type Reading = { at: string; folder: string; warn(words: string): void }

/** One setting. `read` gives the value or throws a `Refused`; `readText` turns what an environment variable says into what a file would. */
export type Key<T> = {
  readonly kind: 'key'
  readonly words: string
  readonly fallback: unknown
  readonly secret: boolean
  readonly optional: boolean
  /** Where a relative path starts: the data folder, or the folder of the configuration file. */
  readonly pathFrom: 'data' | 'file' | undefined
  readonly expects: string
  read(value: unknown, reading: Reading): T
  readonly items?: Schema
}
export type Group<S extends Schema = Schema> = { readonly kind: 'group'; readonly words: string; readonly keys: S }
export interface Schema {
  readonly [name: string]: Key<unknown> | Group
}

/** The values that a schema describes. */
export type ValuesOf<S extends Schema> = {
  readonly [K in keyof S]: S[K] extends Key<infer T> ? T : S[K] extends Group<infer G> ? ValuesOf<G> : never
}

/** A value that cannot be used; the message says what to write instead. */
export class Refused extends Error {}

type Options<T> = {
  secret?: boolean
  pathFrom?: 'data' | 'file' | undefined
  items?: Schema
  expects: string
  read(value: unknown, reading: Reading): T
}

function key<T>(words: string, fallback: unknown, { expects, read, secret = false, pathFrom, items }: Options<T>): Key<T> {
  return { kind: 'key', words, fallback, secret, optional: fallback === undefined, pathFrom, expects, read, ...(items ? { items } : {}) }
}

/** The same key, where nothing is an answer too. */
export function optional<T>(inner: (words: string, fallback: never) => Key<T>, words: string): Key<T | undefined> {
  const made = inner(words, undefined as never)
  return { ...made, read: (value, reading) => (value === undefined ? undefined : made.read(value, reading)) }
}

export function group<S extends Schema>(words: string, keys: S): Group<S> {
  return { kind: 'group', words, keys }
}

function refuse(expects: string): never {
  throw new Refused(expects)
}

export function flag(words: string, fallback: boolean): Key<boolean> {
  const expects = 'true or false'
  return key(words, fallback, { expects, read: (value) => (typeof value === 'boolean' ? value : refuse(expects)) })
}

export function integer(words: string, fallback: number, { from, to }: { from: number; to: number }): Key<number> {
  const expects = `a whole number from ${from} to ${to}`
  const fits = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= from && Number(value) <= to
  return key(words, fallback, { expects, read: (value) => (fits(value) ? value : refuse(expects)) })
}

/** A number that need not be whole, such as a rate. */
export function decimal(words: string, fallback: number, { from, to }: { from: number; to: number }): Key<number> {
  const expects = `a number from ${from} to ${to}`
  const fits = (value: unknown): value is number => typeof value === 'number' && value >= from && value <= to
  return key(words, fallback, { expects, read: (value) => (fits(value) ? value : refuse(expects)) })
}

/** Text; a number in the file is taken as its text (room version 12). */
export function text(words: string, fallback: string, rule: { pattern?: RegExp; expects?: string; secret?: boolean } = {}): Key<string> {
  const { pattern, expects = 'text', secret = false } = rule
  return key(words, fallback, {
    expects,
    secret,
    read: (value) => {
      const written = typeof value === 'number' ? String(value) : value
      return typeof written === 'string' && (pattern?.test(written) ?? true) ? written : refuse(expects)
    },
  })
}

export function secret(words: string, fallback: string): Key<string> {
  return text(words, fallback, { secret: true, pattern: /^.+$/s, expects: 'text that is not empty' })
}

export function url(words: string, fallback: string): Key<string> {
  const expects = 'a URL such as https://matrix.example.org/'
  const read = (value: unknown) => (value === '' || (typeof value === 'string' && URL.canParse(value)) ? value : refuse(expects))
  return key(words, fallback, { expects, read })
}

/** A path. Those of the server's own files start at the data folder, all others at the folder of the configuration file. */
export function path(words: string, fallback: string, pathFrom: 'data' | 'file' = 'file'): Key<string> {
  const expects = pathFrom === 'data' ? 'the path of a file or folder, from data_dir' : 'the path of a file or folder'
  return key(words, fallback, { expects, pathFrom, read: (value) => (typeof value === 'string' && value !== '' ? value : refuse(expects)) })
}

export function choice<const T extends string>(words: string, fallback: T, among: readonly T[]): Key<T> {
  const expects = `one of ${among.join(', ')}`
  const read = (value: unknown) => among.find((known) => known === value) ?? offAsText(value, among) ?? refuse(expects)
  return key(words, fallback, { expects, read })
}

/** YAML readers of the older kind make `off` a false. */
function offAsText<T extends string>(value: unknown, among: readonly T[]): T | undefined {
  return value === false ? among.find((known) => known === 'off') : undefined
}

const multiples: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }
const milliseconds: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

function measure(words: string, fallback: string, units: Readonly<Record<string, number>>, expects: string): Key<number> {
  const read = (value: unknown) => {
    const [, amount, unit = ''] = /^(\d{1,15})\s*([a-z]*)$/i.exec(String(value)) ?? []
    const factor = units[unit.toLowerCase().replace(/(?<=[kmg])i?b$/, '')]
    return amount === undefined || factor === undefined ? refuse(expects) : Number(amount) * factor
  }
  return key(words, fallback, { expects, read })
}

/** Bytes, written `50M`. */
export function size(words: string, fallback: string): Key<number> {
  return measure(words, fallback, multiples, 'a size such as 50M, 512K or 1G')
}

/** Milliseconds, written `24h`. */
export function duration(words: string, fallback: string): Key<number> {
  return measure(words, fallback, milliseconds, 'a time such as 30s, 10m, 24h or 7d')
}

/** A list of values that `item` reads one by one. */
export function listOf<T>(words: string, fallback: readonly unknown[], item: Key<T>): Key<readonly T[]> {
  const expects = `a list, each ${item.expects}`
  return key(words, fallback, {
    expects,
    pathFrom: item.pathFrom,
    read: (value, reading) =>
      Array.isArray(value) ? value.map((one, index) => item.read(one, { ...reading, at: `${reading.at}[${index}]` })) : refuse(expects),
  })
}
