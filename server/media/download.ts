import { isServerName } from '../core/ids.ts'
import { invalidParam, MatrixError, missingParam, unrecognized } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import type { Call, Endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { contentDisposition, safeFileName } from './disposition.ts'
import type { Files } from './files.ts'
import { type Download, findMedia } from './media.ts'
import { tooLargeElsewhere } from './remote/fetch-media.ts'
import type { RemoteMedia } from './remote/remote-media.ts'
import { serveFile } from './serve-file.ts'
import type { Wanted } from './thumbnail-size.ts'
import type { Picture, Thumbnails } from './thumbnails.ts'
import type { UrlPreviews } from './url-previews.ts'

export type MediaTools = {
  readonly home: Tools['home']
  readonly files: Files
  readonly thumbnails: Thumbnails
  readonly previews: UrlPreviews
  readonly remote: RemoteMedia
}

const usualWait = 20_000
const longestWait = 60_000

/** What the authenticated and the old addresses have in common. */
export function downloadHandlers(tools: MediaTools): Record<'download' | 'thumbnail' | 'preview' | 'config', Endpoint['handle']> {
  const { home, files, thumbnails, previews } = tools
  return {
    async download(call) {
      const media = await find(tools, call)
      const { contentHash, size, contentType } = media
      const disposition = contentDisposition(contentType, safeFileName(call.params['fileName']) ?? media.fileName)
      return serveFile(files, call, { contentHash, size, contentType, disposition })
    },
    async thumbnail(call) {
      const wanted = readWanted(call.query)
      const picture = await thumbnails.find(await find(tools, call), wanted).catch((error) => {
        throw isTooLargeElsewhere(home, call, error) ? tooLargeElsewhere() : error
      })
      return serveFile(files, call, { ...picture, disposition: thumbnailDisposition(picture) })
    },
    async preview({ query }) {
      if (!home.config.url_preview.enabled) throw unrecognized('previews of links are not made here')
      const url = query.get('url')
      if (!url) throw missingParam('url is missing')
      return { body: await previews.preview(url, readMoment(query)) }
    },
    config: () => ({ body: { 'm.upload.size': home.config.media.max_upload_size } }),
  }
}

/** The file that a path means. Whoever is not logged in gets those of other servers that are kept here already. */
async function find({ home, remote }: MediaTools, call: Call): Promise<Download> {
  const { serverName, mediaId = '' } = call.params
  if (!isServerName(serverName)) throw invalidParam('this is not a server name')
  const wait = readWait(call.query)
  if (serverName === home.serverName) return findMedia({ home }, mediaId, wait, () => call.signal)
  const mayFetch = call.requester !== undefined && call.query.get('allow_remote') !== 'false'
  return remote.find(serverName, mediaId, { wait, mayFetch })
}

/** "502: The remote content is too large for the server to thumbnail." */
function isTooLargeElsewhere({ serverName }: Pick<Home, 'serverName'>, { params }: Call, error: unknown): boolean {
  return params['serverName'] !== serverName && error instanceof MatrixError && error.status === 413
}

/** How a thumbnail is to be treated: it has no name of its own. */
export function thumbnailDisposition({ contentType }: Pick<Picture, 'contentType'>): string {
  return contentDisposition(contentType, `thumbnail.${contentType.slice('image/'.length)}`)
}

/** For how long somebody waits for an upload, in milliseconds. */
export function readWait(query: URLSearchParams): number {
  const text = query.get('timeout_ms')
  if (text === null) return usualWait
  if (!/^\d{1,15}$/.test(text)) throw invalidParam('timeout_ms is not a number of milliseconds')
  return Math.min(Number(text), longestWait)
}

function readMoment(query: URLSearchParams): number | undefined {
  const text = query.get('ts')
  if (text === null) return undefined
  if (!/^\d{1,15}$/.test(text)) throw invalidParam('ts is not a time in milliseconds')
  return Number(text)
}

/** Which thumbnail a query asks for. */
export function readWanted(query: URLSearchParams): Wanted {
  const method = query.get('method') ?? 'scale'
  if (method !== 'scale' && method !== 'crop') throw invalidParam('method is neither scale nor crop')
  const animated = query.get('animated') ?? 'false'
  if (animated !== 'true' && animated !== 'false') throw invalidParam('animated is neither true nor false')
  return { width: readLength(query, 'width'), height: readLength(query, 'height'), method, animated: animated === 'true' }
}

function readLength(query: URLSearchParams, name: 'width' | 'height'): number {
  const text = query.get(name)
  if (text === null) throw missingParam(`${name} is missing`)
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) throw invalidParam(`${name} is not a number of pixels`)
  return Number(text)
}
