import type { RoomId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import type { Between, Section } from '../slice.ts'
import { selectRoomsChanged, selectTypists } from './typing.store.ts'

/** All who type in a room, in which that changed. https://spec.matrix.org/v1.19/client-server-api/#typing-notifications */
export function typingSection({ database, clock }: Pick<Home, 'database' | 'clock'>): Section {
  return {
    name: 'typing',
    kinds: ['typing', 'membership'],
    between: async (between) => {
      const { after, rooms, newRooms } = between
      const changed = after === 0 ? [] : await changedRooms(database, between)
      const whole = after === 0 ? rooms : newRooms
      const asked = new Set([...changed, ...whole])
      if (asked.size === 0) return undefined
      const found = await database.select(selectTypists, [...asked], clock.now())
      const byRoom = Map.groupBy(found, ({ room_id }) => room_id as RoomId)
      const told = [...asked].filter((roomId) => byRoom.has(roomId) || changed.includes(roomId))
      if (told.length === 0) return undefined
      const event = (roomId: RoomId) => ({
        type: 'm.typing',
        content: { user_ids: (byRoom.get(roomId) ?? []).map(({ user_id }) => user_id) },
      })
      return { rooms: new Map(told.map((roomId) => [roomId, { ephemeral: [event(roomId)] }])) }
    },
  }
}

async function changedRooms(database: Home['database'], { rows, rooms, after, upTo }: Between): Promise<RoomId[]> {
  const touched = rows?.filter(({ kind }) => kind === 'typing').map(({ key }) => key as RoomId)
  if (touched) return [...new Set(touched)].filter((roomId) => rooms.has(roomId))
  return (await database.select(selectRoomsChanged, [...rooms], after, upTo)).map(({ room_id }) => room_id as RoomId)
}
