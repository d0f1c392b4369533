import type { ServerName, UserId } from '../ids.ts'
import { isJsonObject, type Json } from '../json.ts'
import type { Pdu, ReadState } from '../pdu.ts'
import type { RoomRules } from '../room-versions.ts'
import type { PowerScope } from './power-levels.ts'

/** Whether the event in question bears a valid signature of a server, as the caller has verified (or is about to sign). */
export type IsSignedBy = (server: ServerName) => boolean

/** All that the rules may look at when they judge one event. */
export type AuthScope = {
  readonly event: Pdu
  readonly rules: RoomRules
  readonly readState: ReadState
  readonly create: Pdu
  readonly power: PowerScope
  readonly isSignedBy: IsSignedBy
}

/** A membership event in question, and whom it is about. */
export type MemberScope = AuthScope & { readonly target: UserId }

/** The membership of a user in the state; undefined if there never was any. */
export function membershipOf(readState: ReadState, userId: string): Json | undefined {
  return readState('m.room.member', userId)?.content['membership']
}

/** The join rule of the room; `invite` unless one is set, be it to something that is none. */
export function joinRuleOf(readState: ReadState): Json {
  const rule = readState('m.room.join_rules', '')?.content['join_rule']
  return rule === undefined ? 'invite' : rule
}

/** The `third_party_invite` of an invite's content, if it has one. */
export function thirdPartyInviteOf(event: Pick<Pdu, 'content'>): { signed: Json | undefined; token: Json | undefined } | undefined {
  const invite = event.content['third_party_invite']
  if (invite === undefined) return undefined
  const signed = isJsonObject(invite) ? invite['signed'] : undefined
  return { signed, token: isJsonObject(signed) ? signed['token'] : undefined }
}
