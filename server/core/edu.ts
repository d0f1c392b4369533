import type { DeviceId, EventId, RoomId, UserId } from './ids.ts'
import { isJsonObject, type JsonObject } from './json.ts'

/** An ephemeral data unit as it is on the wire. https://spec.matrix.org/v1.19/server-server-api/#edus */
export type Edu<Type extends string = string, Content = JsonObject> = { readonly edu_type: Type; readonly content: Content }

export type TypingEdu = Edu<'m.typing', { room_id: RoomId; user_id: UserId; typing: boolean }>

export type Receipt = { data: { ts?: number; thread_id?: string }; event_ids: EventId[] }
export type ReceiptEdu = Edu<'m.receipt', { [room: RoomId]: { [receiptType: string]: { [user: UserId]: Receipt } } }>

export type PresencePush = {
  user_id: UserId
  presence: 'online' | 'offline' | 'unavailable'
  last_active_ago: number
  currently_active?: boolean
  status_msg?: string
}
export type PresenceEdu = Edu<'m.presence', { push: PresencePush[] }>

export type DeviceListEdu = Edu<
  'm.device_list_update',
  {
    user_id: UserId
    device_id: DeviceId
    stream_id: number
    prev_id?: number[]
    device_display_name?: string
    deleted?: boolean
    keys?: JsonObject
  }
>

export type SigningKeyEdu = Edu<'m.signing_key_update', { user_id: UserId; master_key?: JsonObject; self_signing_key?: JsonObject }>

export type DirectToDeviceEdu = Edu<
  'm.direct_to_device',
  { sender: UserId; type: string; message_id: string; messages: { [user: UserId]: { [device: DeviceId]: JsonObject } } }
>

/** Whether a value has the outer form of an EDU; what its content must be is for its receiver to say. */
export function isEdu(value: unknown): value is Edu {
  return isJsonObject(value) && typeof value['edu_type'] === 'string' && isJsonObject(value['content'])
}
