import { type Call, type Endpoint, endpoint } from '../http/endpoint.ts'
import { contentDisposition } from './disposition.ts'
import { type MediaTools, readWait, readWanted, thumbnailDisposition } from './download.ts'
import { findMedia } from './media.ts'
import { serveMultipart } from './serve-multipart.ts'

/** The files of this server, for other servers. https://spec.matrix.org/v1.19/server-server-api/#content-repository */
export function federationEndpoints(tools: MediaTools): Endpoint[] {
  const { home, files, thumbnails } = tools
  const of = { method: 'GET', auth: 'x-matrix', body: 'none' } as const
  const find = ({ params, query, signal }: Call<'x-matrix'>) => findMedia({ home }, params['mediaId'] ?? '', readWait(query), () => signal)
  const boundary = () => home.random(18).toString('hex')
  return [
    endpoint({
      ...of,
      path: '/_matrix/federation/v1/media/download/{mediaId}',
      operationId: 'getContent',
      handle: async (call) => {
        const { contentHash, size, contentType, fileName } = await find(call)
        const disposition = contentDisposition(contentType, fileName)
        return serveMultipart(files, call, { contentHash, size, contentType, disposition }, boundary())
      },
    }),
    endpoint({
      ...of,
      path: '/_matrix/federation/v1/media/thumbnail/{mediaId}',
      operationId: 'getContentThumbnail',
      handle: async (call) => {
        const wanted = readWanted(call.query)
        const picture = await thumbnails.find(await find(call), wanted)
        return serveMultipart(files, call, { ...picture, disposition: thumbnailDisposition(picture) }, boundary())
      },
    }),
  ]
}
