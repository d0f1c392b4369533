import type { Slice, Tools } from '../slice.ts'
import { createRoom } from './create-room.client.ts'
import { directory } from './directory.client.ts'
import { roomUpgrades } from './room-upgrades.client.ts'

/** Making rooms, naming them, replacing them. */
export function rooms(tools: Tools): Slice {
  return { name: 'rooms', endpoints: [...createRoom(tools), ...directory(tools), ...roomUpgrades(tools)] }
}
