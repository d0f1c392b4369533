import { canonicalJson } from '../core/canonical-json.ts'
import type { JsonObject } from '../core/json.ts'
import { isJsonObject } from '../core/json.ts'
import type { PushAction } from '../core/push-rules.ts'
import type { Graph, TimelineEvent } from '../graph/graph.ts'
import type { Pusher } from './pusher.ts'

/** What is told to a push gateway. https://spec.matrix.org/v1.19/push-gateway-api/#post_matrixpushv1notify */
export type Push = {
  readonly pusher: Pusher
  readonly event: TimelineEvent
  /** The content of a state event of the room, as far as it is known here. */
  readonly state: (type: string) => JsonObject | undefined
  readonly senderName: string | undefined
  readonly actions: readonly PushAction[]
  /** Undefined where the pusher wants no badge. */
  readonly unread: number | undefined
}

/** The body about an event; with `format` `event_id_only` nothing of what was said. */
export function eventBody({ pusher, event, state, senderName, actions, unread }: Push): string {
  const { pdu, eventId, roomId } = event
  const tweaks = tweaksOf(actions)
  const about = {
    event_id: eventId,
    room_id: roomId,
    prio: isUrgent(event, tweaks) ? 'high' : 'low',
    ...countsOf(unread),
    devices: [{ ...deviceOf(pusher), tweaks }],
  }
  if (isIdOnly(pusher)) return bodyOf(about)
  const name = textIn(state('m.room.name'), 'name')
  const alias = textIn(state('m.room.canonical_alias'), 'alias')
  return bodyOf({
    ...about,
    type: pdu.type,
    sender: pdu.sender,
    content: pdu.content,
    ...(senderName === undefined ? {} : { sender_display_name: senderName }),
    ...(name === undefined ? {} : { room_name: name }),
    ...(alias === undefined ? {} : { room_alias: alias }),
    ...(pdu.type === 'm.room.member' ? { user_is_target: pdu.state_key === pusher.userId } : {}),
  })
}

/** The body that tells nothing but how much is unread. */
export function badgeBody(pusher: Pusher, unread: number): string {
  return bodyOf({ prio: 'low', ...countsOf(unread), devices: [deviceOf(pusher)] })
}

/** Whether a pusher wants to be told how much is unread. https://github.com/matrix-org/matrix-spec-proposals/pull/4076 */
export function wantsBadge({ description: { data } }: Pusher): boolean {
  return !isJsonObject(data) || data['org.matrix.msc4076.disable_badge_count'] !== true
}

/** The name that somebody bears in a room. */
export async function nameIn(graph: Pick<Graph, 'members'>, { roomId, pdu }: TimelineEvent): Promise<string | undefined> {
  const member = (await graph.members(roomId, [pdu.sender])).get(pdu.sender)
  return textIn(member?.pdu.content, 'displayname')
}

function bodyOf(notification: JsonObject): string {
  return canonicalJson({ notification }, false)
}

/** "Counts whose value is zero should be omitted", but for the badge: a gateway clears it when it is told so. */
function countsOf(unread: number | undefined): JsonObject {
  return unread === undefined ? {} : { counts: { unread } }
}

function deviceOf({ appId, pushkey, changedAt, description }: Pusher): JsonObject {
  const { url: _, ...data } = isJsonObject(description['data']) ? description['data'] : {}
  return { app_id: appId, pushkey, pushkey_ts: changedAt, data }
}

function isIdOnly({ description: { data } }: Pusher): boolean {
  return isJsonObject(data) && data['format'] === 'event_id_only'
}

function tweaksOf(actions: readonly PushAction[]): JsonObject {
  return Object.fromEntries(actions.flatMap((action) => (typeof action === 'object' ? [[action.set_tweak, action.value ?? true]] : [])))
}

/** What makes a sound or a highlight, or may do so once it is decrypted, must not wait. */
function isUrgent({ pdu }: TimelineEvent, tweaks: JsonObject): boolean {
  return pdu.type === 'm.room.encrypted' || tweaks['highlight'] === true || tweaks['sound'] !== undefined
}

/** A text of a content, if it is one. */
export function textIn(content: JsonObject | undefined, key: string): string | undefined {
  const value = content?.[key]
  return typeof value === 'string' ? value : undefined
}
