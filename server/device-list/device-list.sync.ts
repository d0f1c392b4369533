import type { RoomId } from '../core/ids.ts'
import type { Piece, Section } from '../slice.ts'
import type { Logged } from '../storage/database.ts'
import type { Notifier } from '../storage/notifier.ts'
import type { DeviceLists, Happened, Watcher } from './device-changes.ts'

type Changes = (watcher: Watcher, after: number, upTo: number, happened?: Happened) => Promise<DeviceLists>

/**
 * Whose devices to look at again. Told with incremental answers only, as the specification has it. Asked on every answer: the row of a user
 * whose rooms are not in memory wakes nobody else, and must not be passed over for that.
 */
export function deviceListSection(changes: Changes, notifier: Pick<Notifier, 'position' | 'onAdvance'>): Section {
  let lastChange = notifier.position()
  let lastMove = lastChange
  notifier.onAdvance((_, rows) => {
    for (const { kind, position } of rows) {
      if (kind === 'device_list') lastChange = position
      else if (kind === 'membership') lastMove = position
    }
  })
  const told = async (watcher: Watcher, after: number, upTo: number, happened?: Happened): Promise<Piece | undefined> => {
    const deviceLists = await changes(watcher, after, upTo, happened)
    return deviceLists.changed.length + deviceLists.left.length > 0 ? { deviceLists } : undefined
  }
  return {
    name: 'device lists',
    kinds: ['device_list', 'membership', 'event'],
    always: 'look',
    between: ({ audience, after, upTo, rows, rooms, newRooms }) => {
      if (after === 0 || (rows !== undefined && lastChange <= after && lastMove <= after && newRooms.size === 0)) return undefined
      const userId = audience.kind === 'device' ? audience.userId : undefined
      const happened = rows && happenedIn(rows, lastChange > after)
      if (happened && newRooms.size + happened.rooms.size === 0 && !happened.devices && !happened.left) return undefined
      return told({ userId, rooms, newRooms }, after, upTo, happened)
    },
  }
}

function happenedIn(rows: readonly Logged[], devices: boolean): Happened {
  return {
    rooms: new Set(rows.filter(({ kind }) => kind === 'event').map(({ key }) => key as RoomId)),
    devices,
    left: rows.some(({ kind }) => kind === 'membership'),
  }
}
