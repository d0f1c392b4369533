import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { downloadHandlers, type MediaTools } from './download.ts'

/** Downloads, thumbnails and the limits. https://spec.matrix.org/v1.19/client-server-api/#content-repository */
export function authedEndpoints(tools: MediaTools): Endpoint[] {
  const get = (operationId: string, path: string, handle: Endpoint['handle']) =>
    endpoint({ method: 'GET', path: `/_matrix/client/v1/media${path}`, operationId, auth: 'access_token', body: 'none', handle })
  const { download, thumbnail, config } = downloadHandlers(tools)
  return [
    get('getContentAuthed', '/download/{serverName}/{mediaId}', download),
    get('getContentOverrideNameAuthed', '/download/{serverName}/{mediaId}/{fileName}', download),
    get('getContentThumbnailAuthed', '/thumbnail/{serverName}/{mediaId}', thumbnail),
    get('getConfigAuthed', '/config', config),
  ]
}
