import type { Home } from '../../home.ts'
import type { Graph } from '../graph.ts'
import type { Memberships } from '../memberships.ts'
import type { AskPolicy } from '../policy/policy.ts'
import type { Rooms } from '../rooms.ts'
import type { PastStates } from '../state-at.ts'
import type { States } from './resolve-state.ts'

/** What receiving works with. */
export type ReceiveTools = Home & {
  readonly rooms: Rooms
  readonly memberships: Memberships
  readonly past: PastStates
  readonly states: States
  readonly askPolicy: AskPolicy
  readonly appendSigned: Graph['append']
}
