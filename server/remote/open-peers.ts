import type { SigningKey } from '../core/signatures.ts'
import { createDiscovery } from './discovery.ts'
import type { Egress } from './egress.ts'
import { createKeyRing, type KeyRing } from './key-ring.ts'
import { resolveSrv } from './resolve-srv.ts'
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
  const discovery = createDiscovery({ ...tools, wellKnown: createWellKnown(tools), resolveSrv: (name) => resolveSrv(name) })
  const peers = createPeers({ ...tools, discovery })
  return { peers, keyRing: createKeyRing({ ...tools, peers }) }
}
