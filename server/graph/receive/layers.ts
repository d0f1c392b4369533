import { setImmediate as breathe } from 'node:timers/promises'
import type { EventId } from '../../core/ids.ts'
import type { Database } from '../../storage/database.ts'
import { stateKeyOf } from '../room.ts'
import { selectEntriesAfter, selectFirstEntries } from '../state.store.ts'

/** Which event stands in which place (`stateKeyOf`). */
export type StateMap = ReadonlyMap<string, EventId>

/** Reads what state groups hold themselves, without those below them. */
export type Layers = {
  readonly read: (stateGroup: string) => Promise<StateMap>
  /** Memberships have come to a group. */
  readonly forget: (stateGroup: string) => void
}

const pageSize = 1000
const mostEntries = 400_000

/** What a state group holds never changes, so the layers that were read last are kept: so many entries in all, in which equal texts are one. */
export function createLayers({ select }: Pick<Database, 'select'>, most = mostEntries): Layers {
  const kept = new Map<string, StateMap>()
  const texts = new Map<string, string>()
  let size = 0
  let forgets = 0

  function once<T extends string>(text: T): T {
    const known = texts.get(text)
    if (known !== undefined) return known as T
    if (texts.size >= most) texts.clear()
    texts.set(text, text)
    return text
  }

  async function read(stateGroup: string): Promise<StateMap> {
    const layer = new Map<string, EventId>()
    let rows = await select(selectFirstEntries, stateGroup, pageSize)
    for (;;) {
      for (const { type, state_key, event_id } of rows) layer.set(once(stateKeyOf(type, state_key)), once(event_id as EventId))
      const last = rows.length < pageSize ? undefined : rows.at(-1)
      if (last === undefined) return layer
      await breathe()
      rows = await select(selectEntriesAfter, stateGroup, last.type, last.state_key, pageSize)
    }
  }

  function keep(stateGroup: string, layer: StateMap): void {
    // A group that holds nothing may not be on disk yet.
    if (kept.has(stateGroup) || layer.size === 0 || layer.size > most) return
    kept.set(stateGroup, layer)
    size += layer.size
    for (const [oldest, { size: freed }] of kept) {
      if (size <= most) break
      kept.delete(oldest)
      size -= freed
    }
  }

  return {
    read: async (stateGroup) => {
      const known = kept.get(stateGroup)
      if (known === undefined) {
        const before = forgets
        const layer = await read(stateGroup)
        // What has come to it meanwhile may not have been read.
        if (forgets === before) keep(stateGroup, layer)
        return layer
      }
      kept.delete(stateGroup)
      kept.set(stateGroup, known)
      return known
    },
    forget: (stateGroup) => {
      forgets++
      size -= kept.get(stateGroup)?.size ?? 0
      kept.delete(stateGroup)
    },
  }
}
