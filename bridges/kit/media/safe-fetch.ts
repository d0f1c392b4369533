import { lookup as lookUpName } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector, request } from 'undici'
import { MediaFailure } from './failure.ts'
import { ForbiddenAddress, failureOf, forbidden, type Incoming, incomingOf, leave, signalOf } from './incoming.ts'
import { isLoopbackAddress, isPublicAddress } from './public-address.ts'

export type Wanted = {
  readonly url: string
  /** Sent to the origin of `url` and to no other. */
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes that are read at most. */
  readonly limit: number
  /** For all of it; 5 minutes unless told. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}
export type Fetcher = {
  /** Asks for a file. Fails with a MediaFailure, and so does the stream it gives. */
  fetch(wanted: Wanted): Promise<Incoming>
  close(): Promise<void>
}
export type FetchRules = {
  /** Names that may be asked: `example.org`, or `.example.org` for all below it. */
  readonly hosts: readonly string[]
  readonly userAgent: string
  /** For the sandbox: addresses of this machine may be asked too, over plain HTTP and on any port, when they are on the list. */
  readonly allowLoopback?: boolean
  /** Finds the addresses of a name; the system does unless told. */
  readonly lookup?: LookupFunction
}

const mostRedirects = 3
const usualTimeout = 300_000
const redirects = [301, 302, 303, 307, 308]

/**
 * The way to media that a network names by URL. Only hosts on the list are asked, over HTTPS, and only where their name leads to an address of the public
 * internet: what was checked is what is dialled. The same holds for each redirect.
 */
export function createFetcher(rules: FetchRules): Fetcher {
  const dispatcher = guardedAgent(rules)

  async function fetch(wanted: Wanted): Promise<Incoming> {
    const signal = signalOf({ timeoutMs: wanted.timeoutMs ?? usualTimeout, signal: wanted.signal })
    const first = checkedUrl(wanted.url, rules)
    for (let [url, hops] = [first, 0]; hops <= mostRedirects; hops++) {
      const headers = {
        ...(url.origin === first.origin ? wanted.headers : {}),
        'User-Agent': rules.userAgent,
        'Accept-Encoding': 'identity',
      }
      const answer = await request(url, { dispatcher, headers, signal }).catch((error: unknown) => {
        throw failureOf(error)
      })
      if (answer.statusCode === 200) return incomingOf(answer, wanted.limit)
      leave(answer.body)
      const next = answer.headers['location']
      if (!redirects.includes(answer.statusCode) || typeof next !== 'string') throw refusalOf(answer.statusCode)
      url = checkedUrl(next, rules, url)
    }
    throw new MediaFailure('refused', 'The file is passed on from one place to the next without end.')
  }
  return { fetch, close: () => dispatcher.destroy() }
}

function checkedUrl(text: string, { hosts, allowLoopback }: FetchRules, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base?.href) : undefined
  if (!url || url.username || url.password) throw forbidden()
  const isListed = hosts.some((host) => (host.startsWith('.') ? url.hostname.endsWith(host) : url.hostname === host))
  const isHere = url.hostname === 'localhost' || isLoopbackAddress(bare(url.hostname))
  const isUsual = url.protocol === 'https:' && url.port === ''
  if (!isListed || !(isUsual || (allowLoopback && isHere && /^https?:$/.test(url.protocol)))) throw forbidden()
  return url
}

function guardedAgent({ allowLoopback = false, lookup = lookUpName as LookupFunction }: FetchRules): Agent {
  const isAllowed = (address: string) => isPublicAddress(address) || (allowLoopback && isLoopbackAddress(address))
  const connect = buildConnector({ timeout: 10_000, lookup: onlyWhere(isAllowed, lookup) })
  return new Agent({
    connections: 16,
    maxHeaderSize: 32 * 1024,
    headersTimeout: 30_000,
    bodyTimeout: 30_000,
    connect: (options, callback) => {
      const host = bare(options.hostname)
      // A literal address is dialled without a look-up.
      if (isIP(host) && !isAllowed(host)) callback(new ForbiddenAddress(), null)
      else connect(options, callback)
    },
  })
}

function onlyWhere(isAllowed: (address: string) => boolean, lookup: LookupFunction): LookupFunction {
  return (name, options, callback) =>
    lookup(name, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '')
      const allowed = Array.isArray(found) ? found.filter(({ address }) => isAllowed(address)) : []
      const [first] = allowed
      if (!first) callback(new ForbiddenAddress(), '')
      else if (options.all) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
}

function refusalOf(status: number): MediaFailure {
  if ([403, 404, 410].includes(status)) return new MediaFailure('gone', 'The link to the file has expired, or the file is gone.')
  if (status === 429 || status >= 500)
    return new MediaFailure('unreachable', `The server of the file is busy or in trouble (${status}).`, true)
  return new MediaFailure('refused', `The server of the file refused it (${status}).`)
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}
