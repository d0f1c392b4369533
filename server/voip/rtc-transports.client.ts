import type { Home } from '../home.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'

/** Where calls of several people are; none is an empty list, so that clients look no further. https://github.com/matrix-org/matrix-spec-proposals/pull/4143 */
export function rtcTransports({ config }: Pick<Home, 'config'>): Endpoint {
  return endpoint({
    method: 'GET',
    path: '/_matrix/client/unstable/org.matrix.msc4143/rtc/transports',
    operationId: 'getRtcTransports',
    auth: 'access_token',
    body: 'none',
    rate: 'other',
    handle: () => {
      const { livekit_service_url } = config
      return { body: { rtc_transports: livekit_service_url === '' ? [] : [{ type: 'livekit', livekit_service_url }] } }
    },
  })
}
