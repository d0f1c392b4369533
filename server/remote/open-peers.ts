import type { SigningKey } from '../core/signatures.ts'
import { createDiscovery, type Service } from './discovery.ts'
import type { Egress } from './egress.ts'
import { createKeyRing, type KeyRing } from './key-ring.ts'
import { createPeers, type Peers } from './signed-request.ts'
import { createWellKnown } from './well-known.ts'

type Tools = Omit<Parameters<typeof createKeyRing>[0], 'peers'> & {
  readonly signingKey: SigningKey
  readonly egress: Egress
  /** May reach servers on private networks. */
  readonly allowPrivate: boolean
}

/** The way to other servers, and their keys. */
export function openPeers(tools: Tools): { readonly peers: Peers; readonly keyRing: KeyRing } {
  const discovery = createDiscovery({ ...tools, wellKnown: createWellKnown(tools), resolveSrv })
  const peers = createPeers({ ...tools, discovery })
  return { peers, keyRing: createKeyRing({ ...tools, peers }) }
}

async function resolveSrv(name: string): Promise<readonly Service[]> {
  const { Resolver } = await import('node:dns/promises')
  return new Resolver({ timeout: 5000, tries: 2 }).resolveSrv(name)
}
