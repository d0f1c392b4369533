import { createHash } from 'node:crypto'
import { Agent, type Dispatcher, request } from 'undici'
import { failure } from './errors.ts'
import type { GraphFailure } from './failure.ts'
import { lookupPublic } from './public-lookup.ts'
import { mimeField } from './whatsapp-content.ts'

/** What the body of an opened file throws when it breaks its bounds, its hash or off. */
export class MediaError extends Error {
  readonly failure: GraphFailure

  constructor(why: GraphFailure) {
    super(why.words)
    this.failure = why
  }
}

/** A file that has begun to arrive. Reading `body` to its end checks size and hash; leaving it early ends the transfer. */
export interface OpenedMedia {
  kind: 'open'
  mime?: string
  size?: number
  body: AsyncIterable<Uint8Array>
  /** Ends the transfer of a body that nobody will read. */
  discard(): void
}

export interface MediaBounds {
  maxBytes: number
  /** Hex; checked at the end of the body. */
  sha256?: string
  /** Sends the access token along (WhatsApp). Never beyond the first address. */
  withToken?: boolean
}

export interface MediaFetcher {
  /** Never throws for what the network does; an address off the list is refused without being asked. */
  open(url: string, bounds: MediaBounds): Promise<OpenedMedia | GraphFailure>
  close(): Promise<void>
}

const networkHosts = ['lookaside.fbsbx.com', '.fbsbx.com', '.fbcdn.net', '.cdninstagram.com']
const mostRedirects = 3

/** The hosts from which files may come: the network's own, and the stand-in's when the Graph API is one on loopback. `.name` allows what is below. */
export function mediaHostsOf(baseUrl: string, more: readonly string[] = []): readonly string[] {
  const url = URL.parse(baseUrl)
  const standIn = url && /^(127(\.\d{1,3}){3}|\[::1\]|localhost)$/.test(url.hostname) ? [url.host] : []
  return [...networkHosts, ...more, ...standIn]
}

/**
 * Fetches files from listed hosts only: by https and to public addresses, except for hosts that are listed with their port (a stand-in). Redirects
 * are followed while they stay on the list.
 */
export function createMediaFetcher(options: { hosts: readonly string[]; accessToken?: string; timeoutMs?: number }): MediaFetcher {
  const { hosts, accessToken, timeoutMs = 30_000 } = options
  const common = { allowH2: false, headersTimeout: timeoutMs, bodyTimeout: timeoutMs }
  const guarded = new Agent({ ...common, connect: { timeout: timeoutMs, lookup: lookupPublic } })
  const listed = new Agent({ ...common, connect: { timeout: timeoutMs } })
  const dispatcherFor = (url: URL): Dispatcher | undefined => {
    if (url.port !== '' || url.protocol === 'http:') return /^https?:$/.test(url.protocol) && hosts.includes(url.host) ? listed : undefined
    const named = hosts.some((host) => (host.startsWith('.') ? url.hostname.endsWith(host) : url.hostname === host))
    return url.protocol === 'https:' && named ? guarded : undefined
  }
  return {
    async open(address, bounds) {
      let url = URL.parse(address)
      for (let hops = 0; url && hops <= mostRedirects; hops++) {
        const dispatcher = dispatcherFor(url)
        if (!dispatcher || url.username !== '' || url.password !== '') break
        const headers = bounds.withToken && accessToken && hops === 0 ? { authorization: `Bearer ${accessToken}` } : {}
        const reply = await request(url, { dispatcher, headers }).catch(() => undefined)
        if (!reply) return failure('retry', 'network')
        const location: unknown = reply.headers.location
        if (reply.statusCode === 200) return opened(reply, bounds)
        await reply.body.dump().catch(() => undefined)
        if (reply.statusCode < 300 || reply.statusCode >= 400) return failureOf(reply.statusCode)
        url = typeof location === 'string' ? URL.parse(location, url.href) : null
      }
      return failure('refused', 'media')
    },
    close: async () => void (await Promise.all([guarded.destroy(), listed.destroy()])),
  }
}

function opened({ headers, body }: Dispatcher.ResponseData, bounds: MediaBounds): OpenedMedia | GraphFailure {
  const length = headers['content-length']
  const size = typeof length === 'string' && /^\d{1,15}$/.test(length) ? Number(length) : undefined
  const discard = () => void body.on('error', () => undefined).destroy()
  if (size !== undefined && size > bounds.maxBytes) {
    discard()
    return failure('refused', 'too_large')
  }
  const mime = mimeField({ type: headers['content-type'] }, 'type')
  const checked = check(body, bounds)
  return { kind: 'open', body: checked, discard, ...(mime === undefined ? {} : { mime }), ...(size === undefined ? {} : { size }) }
}

async function* check(body: AsyncIterable<Uint8Array>, { maxBytes, sha256 }: MediaBounds): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > maxBytes) throw new MediaError(failure('refused', 'too_large'))
      hash.update(chunk)
      yield chunk
    }
  } catch (error) {
    throw error instanceof MediaError ? error : new MediaError(failure('retry', 'damaged'))
  }
  if (sha256 !== undefined && hash.digest('hex') !== sha256) throw new MediaError(failure('retry', 'damaged'))
}

/** An address that expired answers 401, 403, 404 or 410, depending on the network. */
function failureOf(status: number): GraphFailure {
  if ([401, 403, 404, 410].includes(status)) return failure('refused', 'media_gone', { status })
  if (status === 429) return failure('retry', 'rate_limited', { status })
  return status >= 500 || status === 408 ? failure('retry', 'server', { status }) : failure('refused', 'media', { status })
}
