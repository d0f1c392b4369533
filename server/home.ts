import type { Config } from '../config/schema.ts'
import type { ServerName } from './core/ids.ts'
import type { SigningKey } from './core/signatures.ts'
import type { Log } from './http/log.ts'
import type { Metrics } from './http/metrics.ts'
import type { Egress } from './remote/egress.ts'
import type { KeyRing } from './remote/key-ring.ts'
import type { OwnKeys } from './remote/own-keys.ts'
import type { Peers } from './remote/signed-request.ts'
import type { Database } from './storage/database.ts'
import type { Notifier } from './storage/notifier.ts'

/** Wall time and waiting; tests hand in their own. */
export type Clock = {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `milliseconds`, or at once when aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

/** The tools, and nothing but tools: no feature is reachable through this. A function names what it needs: `Pick<Home, 'database' | 'clock'>`. */
export type Home = {
  readonly config: Config
  readonly serverName: ServerName
  readonly signingKey: SigningKey
  readonly ownKeys: OwnKeys
  readonly database: Database
  readonly notifier: Notifier
  readonly clock: Clock
  /** Cryptographically secure bytes. */
  readonly random: (bytes: number) => Buffer
  readonly log: Log
  readonly metrics: Metrics
  readonly egress: Egress
  /** The other servers, asked under this one's signature. */
  readonly peers: Peers
  readonly keyRing: KeyRing
}
