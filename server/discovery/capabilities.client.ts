import { supportedRoomVersions } from '../core/room-versions.ts'
import type { Home } from '../home.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { People } from '../people/people.ts'

/** What administrators alone are told. */
const moderation = { 'm.account_moderation': { suspend: true, lock: true } }

/** https://spec.matrix.org/v1.19/client-server-api/#capabilities-negotiation */
export function capabilities({ home, people }: { home: Pick<Home, 'config'>; people: Pick<People, 'account'> }): Endpoint[] {
  const available = Object.fromEntries(supportedRoomVersions.map((version) => [version, 'stable']))
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v3/capabilities',
      aliases: ['/_matrix/client/r0/capabilities'],
      operationId: 'getCapabilities',
      auth: 'access_token',
      body: 'none',
      rate: 'other',
      handle: async ({ requester }) => ({
        body: {
          capabilities: {
            'm.room_versions': { default: home.config.default_room_version, available },
            'm.change_password': { enabled: (await people.account(requester.userId))?.hasPassword ?? false },
            'm.set_displayname': { enabled: true },
            'm.set_avatar_url': { enabled: true },
            'm.profile_fields': { enabled: true },
            'uk.tcpip.msc4133.profile_fields': { enabled: true },
            'm.3pid_changes': { enabled: false },
            'm.get_login_token': { enabled: home.config.login_via_existing_session.enabled },
            'org.matrix.msc4140.delayed_events': { enabled: true, max_delay: home.config.delayed_events.longest },
            'io.element.msc4452.preview_url': { enabled: home.config.url_preview.enabled },
            'm.forget_forced_upon_leave': { enabled: false },
            ...(requester.admin ? moderation : {}),
          },
        },
      }),
    }),
  ]
}
