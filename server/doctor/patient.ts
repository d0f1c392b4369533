import type { Config, Listener } from '../../config/schema.ts'
import { type FormerKey, readSigningKey } from '../../config/signing-key.ts'
import type { ServerName } from '../core/ids.ts'
import { generateSigningKey, type SigningKey } from '../core/signatures.ts'
import { product } from '../http/version.ts'
import type { Dialing } from '../remote/dialing.ts'
import { createDiscovery, type Discovery } from '../remote/discovery.ts'
import { authorities, createEgress, type Egress } from '../remote/egress.ts'
import { createNames, type Names } from '../remote/names.ts'
import { createPeers, type Peers } from '../remote/signed-request.ts'
import { createWellKnown } from '../remote/well-known.ts'
import type { Asked } from './asked.ts'

/** The server that is looked at, and the tools to look. */
export type Patient = {
  readonly config: Config
  /** The configuration's file; undefined where all is default. */
  readonly file: string | undefined
  readonly serverName: ServerName
  /** As it stands on the disk; undefined where there is none that can be read. */
  readonly key: SigningKey | undefined
  /** Those that its file lists below it. */
  readonly former: readonly FormerKey[]
  readonly names: Names
  readonly dialing: Dialing
  readonly ca: string[] | undefined
  readonly egress: Egress
  readonly discovery: Discovery
  /** Asked under this server's signature; undefined without a key. */
  readonly peers: Peers | undefined
  readonly now: () => number
}

/** So long one question may take. */
export const patienceMs = 8000

/** Gets the tools. Throws in words for the operator when the authorities' file cannot be read. */
export function openPatient(config: Config, file: string | undefined, asked: Pick<Asked, 'dns' | 'routes'>): Patient {
  const { ca_file: caFile, allow_private_addresses: allowPrivate } = config.federation
  const names = createNames(asked.dns)
  const dialing = { lookup: names.lookup, routes: asked.routes }
  const egress = createEgress({ caFile, userAgent: `${product.name}/${product.version} doctor`, dialing })
  const clock = { now: Date.now }
  // One's own name may lead to a private address from inside; where others are, the configuration's rule holds.
  const discoveryFor = (mayBePrivate: boolean) =>
    createDiscovery({ clock, resolveSrv: names.services, wellKnown: createWellKnown({ egress, clock, allowPrivate: mayBePrivate }) })
  const { key, former } = readKeys(config)
  const serverName = config.server_name
  const outside = discoveryFor(allowPrivate)
  return {
    config,
    file,
    serverName,
    key,
    former,
    names,
    dialing,
    ca: authorities(caFile),
    egress,
    discovery: { find: (name) => (name === serverName ? discoveryFor(true) : outside).find(name) },
    peers: key === undefined ? undefined : createPeers({ egress, discovery: outside, serverName, signingKey: key, allowPrivate }),
    now: Date.now,
  }
}

function readKeys(config: Config): Pick<Patient, 'key' | 'former'> {
  try {
    const { keyId, seed, former } = readSigningKey(config.signing_key_path)
    return { key: generateSigningKey(seed, keyId.slice('ed25519:'.length)), former }
  } catch {
    return { key: undefined, former: [] }
  }
}

/** Where a listener is reached on this machine; undefined for a port that the system chooses. */
export function urlOf({ host, port, tls_certificate: certificate }: Listener): string | undefined {
  const at = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  if (port === 0) return undefined
  return `${certificate === undefined ? 'http' : 'https'}://${at.includes(':') ? `[${at}]` : at}:${port}`
}

/** What a reverse proxy needs, for nginx. */
export function proxySnippet({ listeners, media }: Config): string[] {
  const plain = listeners.find((one) => one.tls_certificate === undefined && one.serves.includes('federation')) ?? listeners[0]
  const to = (plain && urlOf(plain)) ?? 'http://127.0.0.1:8008'
  return [
    '  location ~ ^/(_matrix|\\.well-known/matrix)/ {',
    `    proxy_pass ${to};`,
    '    proxy_set_header Host $host;',
    '    proxy_set_header X-Forwarded-For $remote_addr;',
    '    proxy_http_version 1.1;',
    '    proxy_read_timeout 90s;',
    `    client_max_body_size ${Math.max(16, Math.ceil(media.max_upload_size / 1024 ** 2))}m;`,
    '  }',
  ]
}
