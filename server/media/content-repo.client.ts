import { pipeline } from 'node:stream/promises'
import { isServerName } from '../core/ids.ts'
import { invalidParam, notFound } from '../core/matrix-error.ts'
import { type Auth, type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { sendHead } from '../http/reply.ts'
import type { Tools } from '../slice.ts'
import { contentDisposition, safeFileName } from './disposition.ts'
import type { Files } from './files.ts'
import { createAwaited, findMedia, type Upload, upload, uploadAwaited } from './media.ts'

type Home = Tools['home']
type MediaTools = { readonly home: Home; readonly files: Files }

const usualWait = 20_000
const longestWait = 60_000

/** "The recommended policy", and what keeps a browser from seeing in a file what its type does not say. */
const safety = {
  'Content-Security-Policy':
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'X-Content-Type-Options': 'nosniff',
}

/** Uploads. https://spec.matrix.org/v1.19/client-server-api/#content-repository */
export function uploadEndpoints(tools: MediaTools): Endpoint[] {
  const { home } = tools
  const uriOf = (mediaId: string) => `mxc://${home.serverName}/${mediaId}`
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/media/v3/upload',
      aliases: ['/_matrix/media/r0/upload', '/_matrix/media/v1/upload'],
      operationId: 'uploadContent',
      auth: 'access_token',
      body: 'stream',
      rate: 'other',
      handle: async (call) => ({ body: { content_uri: uriOf(await upload(tools, call.requester.userId, uploadOf(call))) } }),
    }),
    endpoint({
      method: 'PUT',
      path: '/_matrix/media/v3/upload/{serverName}/{mediaId}',
      aliases: ['/_matrix/media/r0/upload/{serverName}/{mediaId}'],
      operationId: 'uploadContentToMXC',
      auth: 'access_token',
      body: 'stream',
      rate: 'other',
      handle: async (call) => {
        const { serverName, mediaId = '' } = call.params
        if (serverName !== home.serverName) throw notFound('there is no such media')
        await uploadAwaited(tools, call.requester.userId, mediaId, uploadOf(call))
        return { body: {} }
      },
    }),
    endpoint({
      method: 'POST',
      path: '/_matrix/media/v1/create',
      operationId: 'createContent',
      auth: 'access_token',
      body: 'none',
      rate: 'other',
      handle: async ({ requester }) => {
        const { mediaId, expiresAt } = await createAwaited(tools, requester)
        return { body: { content_uri: uriOf(mediaId), unused_expires_at: expiresAt } }
      },
    }),
  ]
}

/** Downloads and the limits. The old addresses answer only where the configuration has them opened. */
export function downloadEndpoints(tools: MediaTools): Endpoint[] {
  const authed = '/_matrix/client/v1/media'
  const old = '/_matrix/media/v3'
  const olds = (path: string) => [`/_matrix/media/r0${path}`, `/_matrix/media/v1${path}`]
  const file = '/download/{serverName}/{mediaId}'
  const config = (): Reply => ({ body: { 'm.upload.size': tools.home.config.media.max_upload_size } })
  const get = <A extends Auth>(operationId: string, auth: A, path: string, aliases: readonly string[], handle: Endpoint['handle']) =>
    endpoint({ method: 'GET', path, aliases, operationId, auth, body: 'none', handle })
  const frozen = (call: Call) => {
    if (!tools.home.config.media.unauthenticated)
      throw notFound('media are served to those who are logged in, under /_matrix/client/v1/media')
    return download(tools, call)
  }
  const open = (call: Call) => download(tools, call)
  return [
    get('getContentAuthed', 'access_token', `${authed}${file}`, [], open),
    get('getContentOverrideNameAuthed', 'access_token', `${authed}${file}/{fileName}`, [], open),
    get('getConfigAuthed', 'access_token', `${authed}/config`, [], config),
    get('getContent', 'none', `${old}${file}`, olds(file), frozen),
    get('getContentOverrideName', 'none', `${old}${file}/{fileName}`, olds(`${file}/{fileName}`), frozen),
    get('getConfig', 'access_token', `${old}/config`, olds('/config'), config),
  ]
}

function uploadOf({ request, query }: Call): Upload {
  const length = request.headers['content-length']
  return {
    bytes: request,
    length: length === undefined ? undefined : Number(length),
    contentType: request.headers['content-type'],
    fileName: query.get('filename') ?? undefined,
  }
}

async function download({ home, files }: MediaTools, call: Call): Promise<undefined> {
  const { serverName, mediaId = '', fileName } = call.params
  if (!isServerName(serverName)) throw invalidParam('this is not a server name')
  if (serverName !== home.serverName) throw notFound('media of other servers cannot be fetched')
  const media = await findMedia({ home }, mediaId, readWait(call.query), () => call.signal)
  const etag = `"${media.contentHash}"`
  const headers = {
    ...safety,
    ETag: etag,
    'Cache-Control': `${call.requester ? 'private' : 'public'}, max-age=31536000, immutable`,
  }
  if (call.request.headers['if-none-match'] === etag) {
    sendHead(call.response, 304, headers)
    call.response.end()
    return undefined
  }
  const bytes = await files.read(media.contentHash)
  if (!bytes) throw new Error(`the file of media ${mediaId} is missing`)
  sendHead(call.response, 200, {
    ...headers,
    'Content-Type': media.contentType,
    'Content-Length': String(media.size),
    'Content-Disposition': contentDisposition(media.contentType, safeFileName(fileName) ?? media.fileName),
  })
  if (call.request.method === 'HEAD') {
    bytes.destroy()
    call.response.end()
    return undefined
  }
  await pipeline(bytes, call.response).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
  })
  return undefined
}

function readWait(query: URLSearchParams): number {
  const text = query.get('timeout_ms')
  if (text === null) return usualWait
  if (!/^\d{1,15}$/.test(text)) throw invalidParam('timeout_ms is not a number of milliseconds')
  return Math.min(Number(text), longestWait)
}
