import type { RoomId } from '../core/ids.ts'
import type { Section } from '../slice.ts'
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
  notifier.onAdvance((_, rows) => {
    for (const { kind, position } of rows) if (kind === 'device_list') lastChange = position
  })
  return {
    name: 'device lists',
    kinds: ['device_list', 'membership', 'event'],
    always: true,
    between: async ({ audience, after, upTo, rows, rooms, newRooms }) => {
      if (after === 0) return undefined
      const userId = audience.kind === 'device' ? audience.userId : undefined
      const happened = rows && happenedIn(rows, lastChange > after)
      if (happened && newRooms.size + happened.rooms.size === 0 && !happened.devices && !happened.left) return undefined
      const deviceLists = await changes({ userId, rooms, newRooms }, after, upTo, happened)
      return deviceLists.changed.length + deviceLists.left.length > 0 ? { deviceLists } : undefined
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
