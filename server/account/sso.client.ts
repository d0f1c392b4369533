import { missingParam, notFound, unrecognized } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'

/** Single sign-on and OAuth 2.0: nobody signs people on for this server, and clients are to hear that in the form they look for. */
export function singleSignOn(): Endpoint[] {
  const common = { method: 'GET', auth: 'none', body: 'none', rate: 'other' } as const
  return [
    endpoint({
      ...common,
      path: '/_matrix/client/v3/login/sso/redirect',
      aliases: ['/_matrix/client/r0/login/sso/redirect'],
      operationId: 'redirectToSSO',
      handle: ({ query }) => {
        if (query.get('redirectUrl') === null) throw missingParam('redirectUrl is missing')
        throw unrecognized('there is no single sign-on here')
      },
    }),
    endpoint({
      ...common,
      path: '/_matrix/client/v3/login/sso/redirect/{idpId}',
      aliases: ['/_matrix/client/r0/login/sso/redirect/{idpId}'],
      operationId: 'redirectToIdP',
      handle: () => {
        throw notFound('there is no such identity provider')
      },
    }),
    // "A 404 M_UNRECOGNIZED" tells clients that the server does not offer OAuth 2.0.
    endpoint({
      ...common,
      path: '/_matrix/client/v1/auth_metadata',
      aliases: ['/_matrix/client/unstable/org.matrix.msc2965/auth_metadata'],
      operationId: 'getAuthMetadata',
      handle: () => {
        throw unrecognized('OAuth 2.0 is not offered here')
      },
    }),
  ]
}
