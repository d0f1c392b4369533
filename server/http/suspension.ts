import { userSuspended } from '../core/matrix-error.ts'
import type { Endpoint } from './endpoint.ts'

/** What a suspended account may not do: take part, draw others in, show itself anew. Reading, leaving, keys and its own devices are left to it. */
const closed: ReadonlySet<string> = new Set([
  ...['createRoom', 'joinRoom', 'joinRoomById', 'knockRoom', 'inviteUser', 'inviteBy3PID', 'upgradeRoom'],
  ...['sendMessage', 'setRoomStateWithKey', 'ban', 'unban', 'kick', 'setRoomAlias', 'setRoomVisibilityOnDirectory'],
  ...['setProfileField', 'setDisplayName', 'setAvatarUrl', 'deleteProfileField', 'setPresence', 'setTyping', 'generateLoginToken'],
  ...['uploadContent', 'uploadContentToMXC', 'createContent'],
])

/** Redactions (of their own events: the handler looks whose they are) and the verification of devices go through the general endpoint. */
const openTypes = /^m\.room\.redaction$|^m\.key\.verification\./

/** 403 M_USER_SUSPENDED for what a suspended account may not do. https://spec.matrix.org/v1.19/client-server-api/#account-suspension */
export function checkSuspended({ operationId }: Endpoint, params: Readonly<Record<string, string>>): void {
  if (!closed.has(operationId)) return
  if (operationId === 'sendMessage' && openTypes.test(params['eventType'] ?? '')) return
  throw userSuspended('You cannot perform this action while suspended.')
}
