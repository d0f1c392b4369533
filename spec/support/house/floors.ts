import type { Facts } from './facts.ts'

/** What may see what: the number of a floor; a file imports its own folder or a lower number. */
const serverFloors: Readonly<Record<string, number>> = {
  core: 0,
  storage: 1,
  remote: 1.1,
  http: 1.2,
  'home.ts': 1.5,
  people: 2,
  graph: 2,
  'slice.ts': 2.5,
  'homeserver.ts': 4,
  'main.ts': 5,
}
const slices = 3
const connectors = ['whatsapp', 'messenger', 'instagram']
/** Beside the folders of bridges/: what may know them all. */
const composers = ['main.ts', 'connectors.ts', 'capability-table.ts']

/** Packages that one place alone may import. */
const doors: Readonly<Record<string, readonly string[]>> = {
  'matrix-appservice-bridge': ['bridges/kit/matrix/'],
  '@matrix-org/olm': ['bridges/kit/crypto/'],
  'sodium-native': ['server/core/signatures.ts'],
  postgres: ['server/storage/'],
  'better-sqlite3': ['server/storage/', 'bridges/kit/'],
  'matrix-js-sdk': [],
  'fake-indexeddb': [],
  mocha: [],
  chai: [],
}

/** Floors, walls and doors: every import that goes where it may not. */
export function checkFloors(house: readonly Facts[]): string[] {
  return house.flatMap(({ path, imports }) =>
    imports.flatMap(({ line, from, target }) => {
      const fault = target === undefined ? faultOfPackage(path, from) : faultOfImport(path, target)
      return fault ? [`${path}:${line} imports ${target ?? from}: ${fault}`] : []
    }),
  )
}

function faultOfPackage(path: string, name: string): string | undefined {
  const door = Object.keys(doors).find((known) => name === known || name.startsWith(`${known}/`))
  if (!door || path.startsWith('spec/') || doors[door]!.some((place) => path.startsWith(place))) return undefined
  return doors[door]!.length ? `only ${doors[door]!.join(' and ')} may; ask what it exports` : 'that is for specs'
}

function faultOfImport(path: string, target: string): string | undefined {
  const [top = '', place = ''] = path.split('/')
  const [targetTop = '', targetPlace = ''] = target.split('/')
  if (top === 'spec' || targetTop === 'spec') return top === 'spec' ? undefined : 'nothing outside spec/ knows the specs'
  if (top === 'config' && targetTop !== 'config')
    return 'config lies below floor 0 and knows nobody; move what it needs down, or hand it in'
  if (targetTop === 'config') return undefined
  if (top !== targetTop) return 'server and bridges speak HTTP with each other and never import each other'
  if (place === targetPlace) return undefined
  return top === 'server' ? faultOnFloors(place, targetPlace) : faultOfBridges(place, targetPlace)
}

function faultOnFloors(place: string, target: string): string | undefined {
  const [from, to] = [serverFloors[place] ?? slices, serverFloors[target] ?? slices]
  if (from > to) return undefined
  if (from === slices && to === slices)
    return 'a slice never imports a slice; move what both need down to people, graph or core, or ask for it in a section'
  if (from === to) return `${place} and ${target} stand on one floor and do not know each other; move what both need down`
  return `imports run downwards: ${place} is floor ${from}, ${target} is floor ${to}; move it down, or hand it in from above`
}

function faultOfBridges(place: string, target: string): string | undefined {
  if (composers.includes(place)) return undefined
  if (place === 'kit')
    return `the kit knows no ${connectors.includes(target) ? 'connector' : target}; put it into the connector contract (kit/connector.ts)`
  if (place === 'protocols') return `protocols know a network and no Matrix, so not ${target}`
  if (place === 'sandbox') return target === 'protocols' ? undefined : 'the sandbox stands in for the networks and knows protocols alone'
  if (connectors.includes(place))
    return target === 'kit' || target === 'protocols' ? undefined : `a connector knows kit and protocols, not ${target}`
  return `${place} is no room of this house (kit, protocols, sandbox, ${connectors.join(', ')}); give it a place in spec/support/house/floors.ts`
}

/** Every ring of files that import each other, once. */
export function checkCycles(house: readonly Facts[]): string[] {
  const targets = new Map(house.map(({ path, imports }) => [path, imports.flatMap(({ target }) => target ?? [])]))
  const done = new Set<string>()
  const rings: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(path)
    if (seenAt >= 0) rings.push([...trail.slice(seenAt), path].join(' → '))
    if (seenAt >= 0 || done.has(path)) return
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of targets.keys()) visit(path, [])
  return rings.map((ring) => `${ring}: files import each other in a ring; move what they share into a file of its own`)
}
