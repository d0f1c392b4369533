import type { NetworkConnector, Session } from './connector.ts'
import type { Files } from './files.ts'
import type { Encryption } from './matrix/encryption.ts'
import type { MatrixSide } from './matrix/side.ts'
import type { Store } from './store/store.ts'
import type { Vault } from './vault.ts'

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'
/** One line for people. Words and facts only: no text of a message, no token, no id of the network. */
export type Log = (level: LogLevel, words: string, facts?: Readonly<Record<string, string | number | boolean | undefined>>) => void

/** A hub: a room shared by several networks' bridges. The alias is the lock: who claims it makes the room. */
export type HubPlan = {
  readonly alias: string
  readonly name: string
  /** `ask`: nobody's chat is taken into it before they say yes. */
  readonly consent?: 'configured' | 'ask'
  /** Who is invited when the room is made: the owner, and the bots of the other bridges. */
  readonly invite: readonly string[]
}

/** What becomes of what is written to somebody after the network has stopped taking answers to them. */
export type LateRules = {
  /** `keep`: it goes out when they write again; `refuse`: it is said that it does not. */
  readonly messages: 'keep' | 'refuse'
  /** For how long it is kept. */
  readonly keepMs: number
  /** The network allows the account to say that a human answers, which gives it longer. */
  readonly humanAgent: boolean
}

/** The tools of one bridge process. Functions name the ones they need. */
export type Kit = {
  readonly connector: NetworkConnector
  readonly serverName: string
  /** Who is invited into a chat's own room. */
  readonly owner: string | undefined
  readonly hub: HubPlan | undefined
  /** Texts of one person that follow one another within this time bear their name once; each does without it. */
  readonly coalesceMs?: number
  readonly late?: LateRules
  readonly store: Store
  readonly vault: Vault
  readonly matrix: MatrixSide
  readonly encryption: Encryption
  readonly files: Files
  readonly clock: () => number
  readonly log: Log
  /** The sessions by login. */
  readonly sessions: ReadonlyMap<string, Session>
  /** Called between any two steps whose order matters; tests let it end the process there. */
  readonly checkpoint: (name: string) => void
}
