import { type Duplex, pipeline, type Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { Home } from '../home.ts'

/** A page or a picture on its way: whoever asked reads or destroys `body`. */
export type Fetched = {
  readonly url: string
  readonly contentType: string
  readonly cacheControl: string
  readonly encoding: string
  readonly body: Readable
}

const told = ['content-type', 'cache-control', 'content-encoding']
const mostRedirects = 5
const redirects = new Set([301, 302, 303, 307, 308])
const decoders = new Map<string, () => Duplex>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
])

/**
 * Asks for an address and follows where it leads, each time through the one way out, which checks the address that it dials. Undefined for
 * whatever is no success.
 */
export async function fetchFollowing(
  { egress, config }: Pick<Home, 'egress' | 'config'>,
  start: string,
  of: { readonly headers: Readonly<Record<string, string>>; readonly deadline: AbortSignal },
): Promise<Fetched | undefined> {
  let url = start
  for (let hop = 0; hop <= mostRedirects; hop++) {
    const { allow_private_addresses: allowPrivate } = config.url_preview
    const answer = await egress.stream({ url, headers: of.headers, signal: of.deadline, allowPrivate })
    if (!answer.ok) return undefined
    const { status, headers, body } = answer
    const location = textOf(headers['location'])
    if (status >= 200 && status < 300) {
      const [contentType = '', cacheControl = '', encoding = 'identity'] = told.map((name) => textOf(headers[name]))
      return { url, contentType, cacheControl, encoding: encoding.trim().toLowerCase(), body }
    }
    body.destroy()
    if (!redirects.has(status) || location === undefined || !URL.canParse(location, url)) return undefined
    url = new URL(location, url).href
  }
  return undefined
}

/** The first bytes of a body, unpacked as they come, so that what is packed cannot grow beyond. What breaks off counts as far as it came. */
export async function readStart({ body, encoding }: Fetched, most: number): Promise<Buffer> {
  const decoder = decoders.get(encoding)?.()
  if (!decoder && encoding !== 'identity') {
    body.destroy()
    return Buffer.alloc(0)
  }
  const source: Readable = decoder ? pipeline(body, decoder, () => {}) : body
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of source) {
      chunks.push(chunk as Buffer)
      size += (chunk as Buffer).length
      if (size >= most) break
    }
  } catch {
    // A page that was cut off may have told enough.
  }
  return Buffer.concat(chunks, size).subarray(0, most)
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}
