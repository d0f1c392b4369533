import type { Facts } from './facts.ts'

const statements = [
  /^\s*(INSERT\s+(OR\s+\w+\s+)?INTO|DELETE\s+FROM|ALTER\s+TABLE|DROP\s+(TABLE|VIEW|INDEX))\s/i,
  /^\s*CREATE\s+(OR\s+REPLACE\s+)?(UNLOGGED\s+|UNIQUE\s+|TEMP\s+|TEMPORARY\s+|VIRTUAL\s+)?(TABLE|INDEX|VIEW|TRIGGER)\s/i,
  /^\s*UPDATE\s+\w+(\s+AS\s+\w+)?\s+SET\s/i,
  /^\s*WITH\s+(RECURSIVE\s+)?\w+(\s*\([^)]*\))?\s+AS\s/i,
  /^\s*SELECT\s/,
  /^\s*select\s[\s\S]*\sfrom\s+\w+(\s+\w+)?\s+(where|join|order|limit|group)\s/,
]
const homes = /\.store\.ts$|\/(storage|store|migrations)\//

/** The port compares and swaps the version of a room inside its transaction, so storage reads the table of graph. */
const casTable = 'rooms'

/** A literal that is SQL. `Select a room` is not. */
export function isSql(text: string): boolean {
  return statements.some((statement) => statement.test(text))
}

const word = String.raw`[a-z_]\w*`
const sources = new RegExp(String.raw`\b(?:FROM|JOIN)\s+((?:${word}(?:\s+(?:AS\s+)?${word})?\s*,\s*)*${word})\b(?!\s*\()`, 'gi')
const targets = new RegExp(String.raw`\b(?:INTO|UPDATE|(?:TABLE|VIEW)(?:\s+IF\s+(?:NOT\s+)?EXISTS)?)\s+(${word})`, 'gi')
const withs = /(?:\bWITH(?:\s+RECURSIVE)?|,)\s+(\w+)(?:\s*\([^)]*\))?\s+AS\s+(?:NOT\s+)?(?:MATERIALIZED\s*)?\(/gi
const noNames = ['set', 'select', 'skip', 'nowait', 'of', 'lateral', 'only', 'values', 'as', 'current_timestamp']

/** The tables and views that a statement names, without those it makes for itself (WITH) and functions. */
export function tablesOf(sql: string): string[] {
  const own = [...sql.matchAll(withs)].map(([, name]) => name)
  const lists = [...sql.matchAll(sources), ...sql.matchAll(targets)].flatMap(([, names = '']) => names.split(','))
  const names = lists.map((name) => name.trim().split(/\s+/)[0] ?? '')
  return [...new Set(names)].filter((name) => !own.includes(name) && !noNames.includes(name.toLowerCase()))
}

/** SQL stands in stores, storage and migrations; a table is named by one folder alone. */
export function checkTables(house: readonly Facts[]): string[] {
  const product = house.filter(({ path }) => /^(server|bridges)\//.test(path))
  const sql = product.flatMap(({ path, strings }) =>
    strings.filter(({ text }) => isSql(text)).map(({ line, text }) => ({ path, line, text })),
  )
  const strays = sql
    .filter(({ path }) => !homes.test(path))
    .map(({ path, line }) => `${path}:${line} holds SQL: move it into a *.store.ts of this folder, named and typed`)
  const stores = sql.filter(({ path }) => homes.test(path) && !path.includes('/migrations/'))
  const namings = stores
    .flatMap(({ path, line, text }) => tablesOf(text).map((table) => ({ table, path, line, folder: ownerOf(path) })))
    .filter(({ table, folder }) => !(table === casTable && folder === 'server/storage'))
  const owners = Map.groupBy(namings, ({ table, folder }) => `${folder.split('/')[0]} ${table}`)
  const shared = [...owners].flatMap(([, uses]) => {
    const folders = [...new Set(uses.map(({ folder }) => folder))]
    if (folders.length < 2) return []
    const places = folders.map((folder) => uses.find((use) => use.folder === folder)!).map(({ path, line }) => `${path}:${line}`)
    return [
      `the table ${uses[0]!.table} is named by ${folders.join(' and ')} (${places.join(', ')}): a table has one owner; ask what the owner exports`,
    ]
  })
  return [...strays, ...shared, ...checkKnown(sql, namings)]
}

/** The top folder of a floor: `server/graph`, `bridges/kit`. */
function ownerOf(path: string): string {
  return path.split('/').slice(0, 2).join('/')
}

/** Where migrations make tables, a store names no others. */
function checkKnown(
  sql: { path: string; text: string }[],
  namings: { table: string; path: string; line: number; folder: string }[],
): string[] {
  const made = sql.filter(({ path }) => path.startsWith('server/storage/migrations/')).flatMap(({ text }) => tablesOf(text))
  const strange = namings.filter(
    ({ table, folder }) => made.length && folder.startsWith('server/') && folder !== 'server/storage' && !made.includes(table),
  )
  return strange.map(
    ({ table, path, line }) =>
      `${path}:${line} names the table ${table}, which no migration makes: add it to server/storage/migrations, or mend the name`,
  )
}
