import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config/schema.ts'
import { ensureSigningKey } from '../config/signing-key.ts'
import { generateSigningKey } from './core/signatures.ts'
import type { Clock, Home } from './home.ts'
import { createLog } from './http/log.ts'
import { createMetrics } from './http/metrics.ts'
import { countProcess } from './http/operations.ts'
import { product } from './http/version.ts'
import { openEgressLate } from './remote/late-egress.ts'
import { openPeers } from './remote/open-peers.ts'
import { openOwnKeys } from './remote/own-keys.ts'
import { openDatabase } from './storage/open-database.ts'

/** What somebody brings instead of the tools that the configuration gives. */
export type Overrides = Partial<Pick<Home, 'clock' | 'random' | 'log' | 'egress'>>

/** Gets the tools: reads the signing key (and makes it first, where there is none), opens the database. Throws in words for the operator. */
export async function openHome(config: Config, overrides: Overrides): Promise<Home> {
  const { keyId, seed, former } = ensureSigningKey(config.signing_key_path)
  const log = overrides.log ?? createLog(config.log)
  const clock = overrides.clock ?? systemClock
  const { kind, path, url = '', synchronous } = config.database
  const where = kind === 'sqlite' ? ({ kind, path, synchronous } as const) : ({ kind, url } as const)
  const { database, notifier } = await openDatabase(where, { log, clock })
  const metrics = createMetrics()
  countProcess(metrics, product.version)
  metrics.gauge('synapse_event_persisted_position', 'The position up to which everything is durable.', () => notifier.position())
  const { ca_file: caFile, allow_private_addresses: allowPrivate, trusted_key_servers: notaries } = config.federation
  const openEgress = () => overrides.egress ?? openEgressLate({ caFile, userAgent: `${product.name}/${product.version}` })
  const self = { serverName: config.server_name, signingKey: generateSigningKey(seed, keyId.slice('ed25519:'.length)) }
  const declared = config.old_signing_keys.map(({ key_id, key, expired_ts }) => ({ keyId: key_id, key, until: expired_ts }))
  const ownKeys = await openOwnKeys({ ...self, database, clock, log, former, declared }).catch(async (error) => {
    await database.close()
    throw error
  })
  return {
    config,
    ...self,
    ownKeys,
    database,
    notifier,
    clock,
    random: overrides.random ?? randomBytes,
    log,
    metrics,
    egress: openEgress(),
    // With connections of their own: servers that do not answer hold up nobody's push.
    ...openPeers({ ...self, ownKeys, database, clock, egress: openEgress(), allowPrivate, notaries }),
  }
}

/** Puts the tools away: what was handed to the database is written first. */
export async function closeHome({ database, egress, peers, log }: Home): Promise<void> {
  await Promise.all([database.close(), egress.close(), peers.close()])
  log.flush()
}

const systemClock: Clock = {
  now: Date.now,
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, signal ? { signal } : {}).catch(() => {}),
}
