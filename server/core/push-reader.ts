import { countsByDefault, rulesInRoom } from './default-effect.ts'
import type { RoomId, UserId } from './ids.ts'
import { type CompiledRules, compileRules, type PushRuleset, pushRuleKinds } from './push-rules.ts'

/** A user's rules in one room, ready for many events. */
export type RulesInRoom = { readonly way: 'silent' | 'default' | 'own'; readonly compiled: CompiledRules }

/** A user as one whom events notify. The same object as long as nothing has changed in it. */
export type PushReader = {
  readonly userId: UserId
  readonly ignored: ReadonlySet<UserId>
  /** Whether a rule asks for the name that the user bears in the room. */
  readonly asksForName: boolean
  readonly inRoom: (roomId: RoomId) => RulesInRoom
}

const mostRooms = 2000

/** Makes a reader of a user's rules and of those whom the user ignores. */
export function pushReader(userId: UserId, rules: PushRuleset, ignored: ReadonlySet<UserId>): PushReader {
  const all = compileRules(rules)
  const everywhere: RulesInRoom = { way: countsByDefault(rules) ? 'default' : 'own', compiled: all }
  const rooms = new Map<RoomId, RulesInRoom>()
  const asksForName = pushRuleKinds.some((kind) =>
    rules[kind].some(({ conditions }) => conditions?.some((condition) => condition.kind === 'contains_display_name')),
  )
  const read = (roomId: RoomId): RulesInRoom => {
    const here = rulesInRoom(rules, roomId)
    if (here.silent) return { way: 'silent', compiled: all }
    return { way: countsByDefault(here.rules) ? 'default' : 'own', compiled: all }
  }
  return {
    userId,
    ignored,
    asksForName,
    inRoom: (roomId) => {
      if (everywhere.way === 'default') return everywhere
      let found = rooms.get(roomId)
      if (found === undefined) {
        found = read(roomId)
        if (rooms.size >= mostRooms) rooms.clear()
        rooms.set(roomId, found)
      }
      return found
    },
  }
}
