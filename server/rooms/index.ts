import type { Slice, Tools } from '../slice.ts'
import { createRoom } from './create-room.client.ts'
import { directory } from './directory.client.ts'

/** Making rooms and naming them. */
export function rooms(tools: Tools): Slice {
  return { name: 'rooms', endpoints: [...createRoom(tools), ...directory(tools)] }
}
