import type { Account, InboundGroupSession, OutboundGroupSession } from '@matrix-org/olm'
import type { Database } from 'better-sqlite3'
import type { DeviceListStore } from './device-list.store.ts'
import type { Hot } from './hot.ts'
import type { InboundStore } from './inbound.store.ts'
import type { Lanes } from './lanes.ts'
import type { OlmLibrary } from './olm.ts'
import type { OlmSessionsStore } from './olm-sessions.store.ts'
import type { OutboundStore } from './outbound.store.ts'
import type { OwnDevicesStore } from './own-devices.store.ts'
import type { MatrixRequests } from './requests.ts'
import type { Seal } from './seal.ts'

export type CryptoLog = { warn(words: string, fields?: Readonly<Record<string, string | number | boolean | undefined>>): void }

/** What the functions of this folder work with. Objects in `accounts`, `groups` and `inboundGroups` must not be held across an await. */
export type CryptoContext = {
  readonly database: Database
  readonly olm: OlmLibrary
  readonly seal: Seal
  readonly requests: MatrixRequests
  readonly bot: { readonly userId: string; readonly deviceId: string }
  readonly clock: { now(): number }
  readonly random: (bytes: number) => Uint8Array
  readonly log: CryptoLog
  readonly lanes: Lanes
  readonly own: OwnDevicesStore
  readonly lists: DeviceListStore
  readonly sessions: OlmSessionsStore
  readonly outbound: OutboundStore
  readonly inbound: InboundStore
  readonly accounts: Hot<Account>
  readonly groups: Hot<OutboundGroupSession>
  readonly inboundGroups: Hot<InboundGroupSession>
  /** What was found of a group session: who had its key when the device lists were at `epoch`. */
  readonly checked: Map<string, { recipients: readonly string[]; epoch: number; until: number }>
  /** Users whose server did not answer, and until when they are not asked about again. */
  readonly silent: Map<string, number>
  /** Grows with every change of device lists or memberships. */
  epoch: number
  /** An upkeep that was asked for and has not begun. */
  upkeep: Promise<void> | undefined
}

/** libolm's own pickle key. It is public: what is secret about a pickle is kept by the seal around it. */
export const innerPickleKey = 'sealed outside'

/** Drops every object in libolm's memory, so that the next use reads what the database holds: after a transaction was rolled back. */
export function forgetMemory(context: CryptoContext): void {
  context.accounts.clear()
  context.groups.clear()
  context.inboundGroups.clear()
  context.checked.clear()
}

/** The same for what its caller follows with a commit of its own before anything of it goes out: it is not waited for until it is on disk. */
export function inLazyTransaction<T>(context: CryptoContext, work: () => T): T {
  const { database } = context
  if (database.inTransaction) return inTransaction(context, work)
  database.pragma('synchronous = NORMAL')
  try {
    return inTransaction(context, work)
  } finally {
    database.pragma('synchronous = FULL')
  }
}

/** Runs `work` in one transaction (a savepoint inside another); when it throws, memory is brought back to what the database holds. */
export function inTransaction<T>(context: CryptoContext, work: () => T): T {
  try {
    return context.database.transaction(work)()
  } catch (error) {
    forgetMemory(context)
    throw error
  }
}
