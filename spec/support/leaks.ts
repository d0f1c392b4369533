import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import Database from 'better-sqlite3'
import { client } from '../../server/storage/postgres/session.ts'

/** Something that must not be found where it does not belong. */
export type Needle = { readonly what: string; readonly value: string }
/** Somewhere to look: each of its pieces with a name for people. */
export type Haystack = { readonly name: string; readonly bytes: Buffer }
export type Find = { readonly what: string; readonly where: string; readonly as: string }
type Form = { readonly as: string; readonly bytes: Buffer }

/** Shorter pieces of base64 would be found by chance. */
const fewestBase64 = 8

/** Every form in which a value may lie around: as it is, in the encodings that programs use, and as a hash that anybody can make of it. */
export function formsOf(value: string): readonly Form[] {
  const bytes = Buffer.from(value, 'utf8')
  const json = JSON.stringify(value).slice(1, -1)
  const texts: [string, string][] = [
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
    ['url', encodeURIComponent(value)],
    ['form', encodeURIComponent(value).replaceAll('%20', '+')],
    ['json', json],
    ['json ascii', json.replace(/[^ -~]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)],
    ...base64Of(bytes),
    ...[value, `+${value}`].flatMap((text) => hashesOf(text)),
  ]
  const forms = [
    { as: 'plain', bytes },
    { as: 'utf16', bytes: Buffer.from(value, 'utf16le') },
    ...texts.map(([as, text]) => ({ as, bytes: Buffer.from(text) })),
    ...['sha256', 'sha1', 'md5'].map((kind) => ({ as: `${kind} raw`, bytes: createHash(kind).update(value).digest() })),
  ]
  const seen = new Set<string>()
  return forms.filter((form) => !seen.has(form.bytes.toString('latin1')) && seen.add(form.bytes.toString('latin1')))
}

/** Wherever it begins in what was encoded: without the signs that depend on what stands around it. */
function base64Of(bytes: Buffer): [string, string][] {
  return [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const from = [0, 2, 3][offset] ?? 0
    const core = text.slice(from, (bytes.length + offset) % 3 === 0 ? undefined : -1)
    const forms: [string, string][] = [
      [`base64 +${offset}`, core],
      [`base64url +${offset}`, core.replaceAll('+', '-').replaceAll('/', '_')],
    ]
    return forms.filter(([, form]) => form.length >= fewestBase64)
  })
}

function hashesOf(text: string): [string, string][] {
  return ['sha256', 'sha1', 'md5'].flatMap((kind) => {
    const hash = createHash(kind).update(text).digest()
    return [
      [`${kind} hex`, hash.toString('hex')],
      [`${kind} base64`, hash.toString('base64').replace(/=+$/, '')],
      [`${kind} base64url`, hash.toString('base64url')],
    ]
  })
}

type Wanted = Form & { readonly what: string }
/** Forms by their first three bytes. */
type Index = { readonly isStart: Uint8Array; readonly forms: ReadonlyMap<number, readonly Wanted[]> }

const startOf = (bytes: Buffer, at: number) => ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)

/** Looks for every needle in every form, in one pass; gives each place once a needle. */
export function search(needles: readonly Needle[], haystacks: readonly Haystack[]): Find[] {
  const wanted = needles.flatMap(({ what, value }) => formsOf(value).map((form) => ({ what, ...form })))
  const forms = Map.groupBy(wanted, ({ bytes }) => startOf(bytes, 0))
  const isStart = new Uint8Array(1 << 24)
  for (const start of forms.keys()) isStart[start] = 1
  return haystacks.flatMap((haystack) => searchOne({ isStart, forms }, haystack))
}

function searchOne({ isStart, forms }: Index, { name, bytes }: Haystack): Find[] {
  const found = new Map<string, Find>()
  let start = startOf(bytes, 0) >> 8
  for (let at = 2; at < bytes.length; at++) {
    start = ((start << 8) | (bytes[at] as number)) & 0xffffff
    if (isStart[start] === 0) continue
    for (const { what, as, bytes: form } of forms.get(start) ?? []) {
      const isHere = bytes.compare(form, 0, form.length, at - 2, Math.min(bytes.length, at - 2 + form.length)) === 0
      if (isHere && !found.has(what)) found.set(what, { what, where: name, as })
    }
  }
  return [...found.values()]
}

/** All files below a folder, with what is in them and how they are called. */
export function filesIn(folder: string, isMeant: (path: string) => boolean = () => true): Haystack[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(isMeant)
  const names = { name: 'file names', bytes: Buffer.from(paths.join('\n')) }
  return [names, ...paths.flatMap((path) => bytesOf(join(folder, path)).map((bytes) => ({ name: path, bytes })))]
}

/** Nothing of a folder, and of what is there no more: some files are there for a moment only. */
function bytesOf(path: string): Buffer[] {
  try {
    return [readFileSync(path)]
  } catch (error) {
    if (['ENOENT', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}

/** Copies a database and its log as they are at one moment: nothing was written meanwhile. */
export function copyDatabase(from: string, to: string): void {
  const parts = ['', '-wal']
  const stand = () =>
    parts.map((end) => statSync(from + end, { bigint: true, throwIfNoEntry: false })).map((of) => `${of?.size} ${of?.mtimeNs}`)
  for (let before = [''], after = stand(); before.join() !== after.join(); after = stand()) {
    before = after
    for (const end of parts) {
      rmSync(to + end, { force: true })
      if (existsSync(from + end)) copyFileSync(from + end, to + end)
    }
  }
}

/** What stands in the rows of each SQLite file below a folder, from copies: in the files themselves a long value lies in pieces. */
export function rowsIn(folder: string, scratch: string): Haystack[] {
  mkdirSync(scratch, { recursive: true })
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.db'))
  return paths.map((path) => {
    const copy = join(scratch, relative('.', path).replaceAll('/', '_'))
    copyDatabase(join(folder, path), copy)
    const database = new Database(copy)
    try {
      const tables = database.prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
      const cells = tables
        .pluck()
        .all()
        .flatMap((table) => database.prepare<[], unknown[]>(`SELECT * FROM "${table}"`).raw().all().flat())
      return { name: `rows of ${path}`, bytes: Buffer.concat(cells.map(cellBytes)) }
    } finally {
      database.close()
    }
  })
}

function cellBytes(cell: unknown): Buffer {
  return Buffer.isBuffer(cell) ? Buffer.concat([cell, Buffer.from('\n')]) : Buffer.from(`${cell}\n`)
}

/** What stands in the rows of a database of PostgreSQL, bytes as bytes. */
export async function rowsOf(url: string): Promise<Haystack[]> {
  const sql = client(url, 'a search', { max: 1, onnotice: () => undefined })
  try {
    const tables = await sql`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`
    const haystacks: Haystack[] = []
    for (const { tablename } of tables) {
      const rows = await sql.unsafe(`SELECT * FROM "${tablename}"`).values()
      haystacks.push({ name: `table ${tablename}`, bytes: Buffer.concat(rows.flat().map(valueBytes)) })
    }
    return haystacks
  } finally {
    await sql.end()
  }
}

function valueBytes(value: unknown): Buffer {
  if (value instanceof Uint8Array) return cellBytes(Buffer.from(value))
  return cellBytes(typeof value === 'object' ? JSON.stringify(value) : value)
}
