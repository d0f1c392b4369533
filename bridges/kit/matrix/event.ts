type Json = Readonly<Record<string, unknown>>

/** An event of a room, as far as the kit looks at it. */
export type MatrixEvent = Json & { event_id: string; room_id: string; sender: string; type: string; content: Json; state_key?: unknown }

/** Whether it has what every event of a room has. */
export function isMatrixEvent(value: unknown): value is MatrixEvent {
  if (typeof value !== 'object' || value === null) return false
  const { event_id, room_id, sender, type, content } = value as Json
  const texts = [event_id, room_id, sender, type].every((text) => typeof text === 'string' && text.length <= 255)
  return texts && typeof content === 'object' && content !== null && !Array.isArray(content)
}
