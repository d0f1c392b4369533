import { notFound } from '../core/matrix-error.ts'
import { type Auth, type Call, type Endpoint, endpoint } from '../http/endpoint.ts'
import { downloadHandlers, type MediaTools } from './download.ts'
import { createAwaited, type Upload, upload, uploadAwaited } from './media.ts'

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
      handle: async (call) => ({ body: { content_uri: uriOf(await upload(tools, call.requester, uploadOf(call))) } }),
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
        await uploadAwaited(tools, call.requester, mediaId, uploadOf(call))
        return { body: {} }
      },
    }),
    endpoint({
      method: 'POST',
      path: '/_matrix/media/v1/create',
      operationId: 'createContent',
      auth: 'access_token',
      body: 'none',
      rate: 'create_media',
      handle: async ({ requester }) => {
        const { mediaId, expiresAt } = await createAwaited(tools, requester)
        return { body: { content_uri: uriOf(mediaId), unused_expires_at: expiresAt } }
      },
    }),
  ]
}

/** The old addresses of what is downloaded. They answer only where the configuration has them opened, and fetch files of other servers for those who are logged in. */
export function frozenEndpoints(tools: MediaTools): Endpoint[] {
  const { media } = tools.home.config
  const frozen = (handle: Endpoint['handle']) => (call: Call) => {
    if (!media.unauthenticated) throw notFound('media are served to those who are logged in, under /_matrix/client/v1/media')
    return handle(call)
  }
  const old = (operationId: string, auth: Auth, path: string, handle: Endpoint['handle'], rate?: Endpoint['rate']) =>
    endpoint({
      method: 'GET',
      path: `/_matrix/media/v3${path}`,
      aliases: [`/_matrix/media/r0${path}`, `/_matrix/media/v1${path}`],
      operationId,
      auth,
      body: 'none',
      ...(rate ? { rate } : {}),
      handle,
    })
  const { download, thumbnail, preview, config } = downloadHandlers(tools)
  return [
    old('getContent', 'access_token?', '/download/{serverName}/{mediaId}', frozen(download)),
    old('getContentOverrideName', 'access_token?', '/download/{serverName}/{mediaId}/{fileName}', frozen(download)),
    old('getContentThumbnail', 'access_token?', '/thumbnail/{serverName}/{mediaId}', frozen(thumbnail)),
    old('getUrlPreview', 'access_token', '/preview_url', preview, 'other'),
    old('getConfig', 'access_token', '/config', config),
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
