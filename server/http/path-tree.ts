import type { Endpoint } from './endpoint.ts'

/** An endpoint at one of its paths, and how the path's segments give its parameters. */
export type Leaf = {
  readonly endpoint: Endpoint
  readonly area: Area
  /** The names of the parameters in the order of the path. */
  readonly names: readonly string[]
  /** The last name takes all segments that are left. */
  readonly rest: boolean
}

/** What a listener may serve. `all` is served by each of them. */
export type Area = 'client' | 'media' | 'admin' | 'federation' | 'all'

type Node = {
  readonly literals: Map<string, Node>
  inner: Node | undefined
  readonly leaves: Map<string, Leaf>
  readonly rests: Map<string, Leaf>
}

/** The result of a look-up: the leaf and the raw segments of its parameters, or the verbs that the path knows (none: there is no such path). */
export type Found =
  | { readonly leaf: Leaf; readonly raw: readonly string[] }
  | { readonly leaf: undefined; readonly allowed: readonly string[] }

export type PathTree = { readonly find: (method: string, path: string) => Found }

/**
 * Builds the map from raw paths to endpoints. Paths are matched segment by segment as they were sent: `%2F` is part of a segment, and only an
 * empty *last* segment fills a parameter. Literal segments go before parameters. Throws when two endpoints want the same path and verb.
 */
export function buildPathTree(endpoints: Iterable<Endpoint>): PathTree {
  const root = makeNode()
  for (const endpoint of endpoints) for (const path of [endpoint.path, ...(endpoint.aliases ?? [])]) insert(root, endpoint, path)
  const client = root.literals.get('_matrix')?.literals.get('client')
  const v3 = client?.literals.get('v3')
  // What is offered under v3 was called r0 before v1.1, and clients that read r0 among the versions may ask for that.
  if (v3 !== undefined) client?.literals.set('r0', v3)
  return { find: (method, path) => find(root, method === 'HEAD' ? 'GET' : method, path) }
}

/** The part of the server that a path belongs to. */
export function areaOf(path: string): Area {
  if (path === '/_matrix/federation/v1/version' || path === '/health') return 'all'
  if (path.startsWith('/_matrix/media/') || path.startsWith('/_matrix/client/v1/media/')) return 'media'
  if (path.startsWith('/_matrix/federation/') || path.startsWith('/_matrix/key/') || path === '/.well-known/matrix/server')
    return 'federation'
  return path.startsWith('/_synapse/') || path.startsWith('/_tombolo/') ? 'admin' : 'client'
}

/** Decodes a raw segment; undefined when its percent-encoding is broken, is no UTF-8 or holds a NUL (which no name in Matrix has). */
export function decodeSegment(raw: string): string | undefined {
  if (!raw.includes('%')) return raw
  try {
    const decoded = decodeURIComponent(raw)
    return decoded.includes('\0') ? undefined : decoded
  } catch {
    return undefined
  }
}

function makeNode(): Node {
  return { literals: new Map(), inner: undefined, leaves: new Map(), rests: new Map() }
}

function insert(root: Node, endpoint: Endpoint, path: string): void {
  const names: string[] = []
  let node = root
  let rest = false
  for (const segment of path.split('/').slice(1)) {
    if (rest) throw new Error(`${path}: nothing can follow a parameter that takes the rest`)
    if (segment.startsWith('{')) {
      rest = segment.endsWith('*}')
      names.push(segment.slice(1, rest ? -2 : -1))
      if (!rest) node = node.inner ??= makeNode()
    } else {
      const next = node.literals.get(segment) ?? makeNode()
      node.literals.set(segment, next)
      node = next
    }
  }
  const leaves = rest ? node.rests : node.leaves
  if (leaves.has(endpoint.method)) throw new Error(`${endpoint.method} ${path} is mounted twice`)
  leaves.set(endpoint.method, { endpoint, area: areaOf(path), names, rest })
}

/** A step upwards, written in any way that a reverse proxy might read. */
const climbs = /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){2}(?:$|[/\\]|%2f|%5c)/i

function find(root: Node, method: string, path: string): Found {
  const segments = path.split('/')
  if (segments[0] !== '') return { leaf: undefined, allowed: [] }
  // Some proxies look at where a path would lead, and hand it on as it was sent: what is not to be reached must not seem to lead to `/_matrix`.
  if (!path.startsWith('/_matrix/') && climbs.test(path)) return { leaf: undefined, allowed: [] }
  const raw: string[] = []
  const leaf = walk(root, segments, 1, method, raw)
  if (leaf) return { leaf, raw }
  const allowed = new Set<string>()
  collect(root, segments, 1, allowed)
  return { leaf: undefined, allowed: [...allowed] }
}

function walk(node: Node, segments: readonly string[], at: number, method: string, raw: string[]): Leaf | undefined {
  if (at === segments.length) return node.leaves.get(method)
  const segment = segments[at]!
  const literal = node.literals.get(segment)
  const leaf = literal && walk(literal, segments, at + 1, method, raw)
  if (leaf) return leaf
  if (node.inner && (segment !== '' || at === segments.length - 1)) {
    raw.push(segment)
    const found = walk(node.inner, segments, at + 1, method, raw)
    if (found) return found
    raw.pop()
  }
  const rest = node.rests.get(method)
  if (rest) raw.push(segments.slice(at).join('/'))
  return rest
}

function collect(node: Node, segments: readonly string[], at: number, allowed: Set<string>): void {
  if (at === segments.length) {
    for (const method of node.leaves.keys()) allowed.add(method)
    return
  }
  for (const method of node.rests.keys()) allowed.add(method)
  const literal = node.literals.get(segments[at]!)
  if (literal) collect(literal, segments, at + 1, allowed)
  if (node.inner && (segments[at] !== '' || at === segments.length - 1)) collect(node.inner, segments, at + 1, allowed)
}
