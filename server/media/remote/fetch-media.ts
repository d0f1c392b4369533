import type { Readable } from 'node:stream'
import type { ServerName } from '../../core/ids.ts'
import { isJsonObject } from '../../core/json.ts'
import { limitExceeded, MatrixError, notFound, notYetUploaded } from '../../core/matrix-error.ts'
import type { Home } from '../../home.ts'
import type { Answer, Failure } from '../../remote/egress.ts'
import { relayedError } from '../../remote/relayed-error.ts'
import { boundaryOf, Malformed, readFilePart } from './multipart.ts'

/** A file on its way from another server, with what that server says of it. */
export type RemoteFile = {
  readonly contentType: string | undefined
  readonly disposition: string | undefined
  /** How many bytes are announced. */
  readonly length: number | undefined
  readonly body: AsyncIterable<Buffer>
}
/** What is asked for; `wait` is for how many milliseconds its server may wait for its upload. */
export type Wanted = { readonly serverName: ServerName; readonly mediaId: string; readonly wait: number; readonly signal: AbortSignal }
type Tools = Pick<Home, 'peers' | 'egress' | 'config'>

/** A whole file may take so long, if it keeps coming. */
const longest = 10 * 60_000
const mostRedirects = 3
const longestError = 64 * 1024
const strangers = new Set([400, 404, 405])
const redirects = new Set([301, 302, 303, 307, 308])

/**
 * Asks the server of a file for it, and gives it to `take` as it comes. Throws what a client is to be told when there is none, `Malformed` for an
 * answer that is none. https://spec.matrix.org/v1.19/server-server-api/#content-repository
 */
export async function fetchMedia<T>(tools: Tools, wanted: Wanted, take: (file: RemoteFile) => Promise<T>): Promise<T> {
  const { serverName, mediaId, wait, signal } = wanted
  const of = { destination: serverName, method: 'GET', timeoutMs: longest, signal } as const
  const id = encodeURIComponent(mediaId)
  const answer = await tools.peers.stream({ ...of, uri: `/_matrix/federation/v1/media/download/${id}?timeout_ms=${wait}` })
  if (answer.ok && answer.status === 200) return takeParts(tools, answer, signal, take)
  const refusal = await refusalOf(answer)
  if (refusal !== 'unrecognized') throw refusal
  // "servers MUST try the endpoints described below before falling back to the deprecated endpoints when they receive a 404 M_UNRECOGNIZED error."
  const old = `/_matrix/media/v3/download/${encodeURIComponent(serverName)}/${id}?allow_remote=false&timeout_ms=${wait}`
  const older = await tools.peers.streamUnsigned({ ...of, uri: old })
  if (older.ok && older.status === 200) return takeWhole(older, take)
  const last = await refusalOf(older)
  throw last === 'unrecognized' ? notFound('there is no such media') : last
}

async function takeParts<T>(
  tools: Tools,
  { headers, body }: Answer<Readable>,
  signal: AbortSignal,
  take: (file: RemoteFile) => Promise<T>,
): Promise<T> {
  try {
    const boundary = boundaryOf(textOf(headers['content-type']))
    if (boundary === undefined || isEncoded(headers)) throw new Malformed('the answer is not in two parts')
    const part = await readFilePart(body, boundary)
    const location = part.headers.get('location')
    if (location !== undefined) {
      body.destroy()
      return await takeElsewhere(tools, location, signal, take)
    }
    // Dendrite names the file in the head of the whole answer.
    const disposition = part.headers.get('content-disposition') ?? textOf(headers['content-disposition'])
    const contentType = part.headers.get('content-type')
    return await take({ contentType, disposition, length: lengthOf(headers), body: part.body })
  } finally {
    body.destroy()
  }
}

/** Follows where a file is said to be: over TLS, and through the one way out, which checks each address that it dials. */
async function takeElsewhere<T>(tools: Tools, start: string, signal: AbortSignal, take: (file: RemoteFile) => Promise<T>): Promise<T> {
  const { allow_private_addresses: allowPrivate } = tools.config.federation
  let url = start
  for (let hop = 0; hop <= mostRedirects; hop++) {
    if (!URL.canParse(url) || new URL(url).protocol !== 'https:') throw new Malformed('the file is said to be where it cannot be')
    const answer = await tools.egress.stream({ url, timeoutMs: longest, signal, allowPrivate })
    if (answer.ok && answer.status === 200) return takeWhole(answer, take)
    const location = answer.ok && redirects.has(answer.status) ? textOf(answer.headers['location']) : undefined
    if (location === undefined || !URL.canParse(location, url)) {
      const refusal = await refusalOf(answer)
      throw refusal === 'unrecognized' ? notFound('there is no such media') : refusal
    }
    if (answer.ok) answer.body.destroy()
    url = new URL(location, url).href
  }
  throw new Malformed('the file is sent from one place to the next')
}

async function takeWhole<T>({ headers, body }: Answer<Readable>, take: (file: RemoteFile) => Promise<T>): Promise<T> {
  try {
    if (isEncoded(headers)) throw new Malformed('the file is packed')
    const [contentType, disposition] = [textOf(headers['content-type']), textOf(headers['content-disposition'])]
    return await take({ contentType, disposition, length: lengthOf(headers), body })
  } finally {
    body.destroy()
  }
}

/** Why there is no file; `unrecognized` when the server does not know what it was asked. */
async function refusalOf(answer: Answer<Readable> | Failure): Promise<MatrixError | 'unrecognized'> {
  if (!answer.ok) return relayedError(answer, '')
  const errcode = await errcodeOf(answer.body)
  // Whoever has no word of Matrix for it does not know the path: older servers, and what stands before them.
  if (errcode === 'M_UNRECOGNIZED' || (errcode === undefined && strangers.has(answer.status))) return 'unrecognized'
  if (errcode === 'M_NOT_YET_UPLOADED') return notYetUploaded()
  if (errcode === 'M_TOO_LARGE') return tooLargeElsewhere()
  if (answer.status === 429) return limitExceeded(5000)
  return relayedError(answer, 'there is no such media')
}

/** "502: The remote content is too large for the server to serve." */
export function tooLargeElsewhere(): MatrixError {
  return new MatrixError(502, 'M_TOO_LARGE', 'the file of the other server is too large')
}

async function errcodeOf(body: Readable): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of body) {
      chunks.push(chunk)
      size += chunk.length
      if (size > longestError) return undefined
    }
    const error: unknown = JSON.parse(Buffer.concat(chunks).toString())
    return isJsonObject(error) ? error['errcode'] : undefined
  } catch {
    return undefined
  }
}

type Headers = Answer<Readable>['headers']

function isEncoded(headers: Headers): boolean {
  const encoding = textOf(headers['content-encoding'])?.trim().toLowerCase() ?? ''
  return encoding !== '' && encoding !== 'identity'
}

function lengthOf(headers: Headers): number | undefined {
  const text = textOf(headers['content-length']) ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}
