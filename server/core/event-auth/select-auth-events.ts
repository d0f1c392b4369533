import type { Pdu } from '../pdu.ts'
import type { RoomRules } from '../room-versions.ts'
import { thirdPartyInviteOf } from './auth-scope.ts'

export type StateKey = readonly [type: string, stateKey: string]

/**
 * Names the state that an event's `auth_events` must cite, as far as the room has it.
 * https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection
 */
export function selectAuthEvents(event: Pick<Pdu, 'type' | 'sender' | 'state_key' | 'content'>, rules: RoomRules): StateKey[] {
  // The auth_events for the m.room.create event in a room is empty
  if (event.type === 'm.room.create') return []
  const selected: StateKey[] = []
  // Depending on the room version, the m.room.create event.
  if (!rules.roomIdIsCreateHash) selected.push(['m.room.create', ''])
  // The current m.room.power_levels event, if any.
  selected.push(['m.room.power_levels', ''])
  // The sender's current m.room.member event, if any.
  selected.push(['m.room.member', event.sender])
  if (event.type === 'm.room.member' && event.state_key !== undefined) selectForMember(event, event.state_key, rules, selected)
  return selected
}

function selectForMember(event: Pick<Pdu, 'sender' | 'content'>, target: string, rules: RoomRules, selected: StateKey[]): void {
  const { membership, join_authorised_via_users_server: authoriser } = event.content
  // The target's current m.room.member event, if any.
  addMember(selected, target)
  // If membership is join, invite or knock, the current m.room.join_rules event, if any.
  if (membership === 'join' || membership === 'invite' || (rules.knock && membership === 'knock')) selected.push(['m.room.join_rules', ''])
  // If membership is invite and content contains a third_party_invite property, the current m.room.third_party_invite event
  // with state_key matching content.third_party_invite.signed.token, if any.
  const token = membership === 'invite' ? thirdPartyInviteOf(event)?.token : undefined
  if (typeof token === 'string') selected.push(['m.room.third_party_invite', token])
  // If membership is join, content.join_authorised_via_users_server is present, and the room version supports restricted rooms,
  // then the m.room.member event with state_key matching content.join_authorised_via_users_server.
  if (membership === 'join' && rules.restrictedJoin && typeof authoriser === 'string') addMember(selected, authoriser)
}

function addMember(selected: StateKey[], userId: string): void {
  if (!selected.some(([type, stateKey]) => type === 'm.room.member' && stateKey === userId)) selected.push(['m.room.member', userId])
}
