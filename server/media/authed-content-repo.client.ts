import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { downloadHandlers, type MediaTools } from './download.ts'

/** Downloads, thumbnails, previews of links and the limits. https://spec.matrix.org/v1.19/client-server-api/#content-repository */
export function authedEndpoints(tools: MediaTools): Endpoint[] {
  const of = { method: 'GET', auth: 'access_token', body: 'none' } as const
  const get = (operationId: string, path: string, handle: Endpoint['handle']) =>
    endpoint({ ...of, path: `/_matrix/client/v1/media${path}`, operationId, handle })
  const { download, thumbnail, preview, config } = downloadHandlers(tools)
  return [
    get('getContentAuthed', '/download/{serverName}/{mediaId}', download),
    get('getContentOverrideNameAuthed', '/download/{serverName}/{mediaId}/{fileName}', download),
    get('getContentThumbnailAuthed', '/thumbnail/{serverName}/{mediaId}', thumbnail),
    endpoint({ ...of, path: '/_matrix/client/v1/media/preview_url', operationId: 'getUrlPreviewAuthed', rate: 'other', handle: preview }),
    get('getConfigAuthed', '/config', config),
  ]
}
