import { canonicalJson } from '../core/canonical-json.ts'
import type { JsonObject } from '../core/json.ts'
import { signJson } from '../core/signatures.ts'
import type { Home } from '../home.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'

type Signing = Pick<Home, 'serverName' | 'signingKey' | 'ownKeys' | 'clock'>

/** Also for those whose clocks are a day before ours. */
const validity = 48 * 3_600_000

/** This server's keys, signed by themselves. https://spec.matrix.org/v1.19/server-server-api/#publishing-keys */
export function keysServer({ home }: { home: Signing }): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/key/v2/server',
      aliases: ['/_matrix/key/v2/server/{keyId}'],
      operationId: 'getServerKey',
      auth: 'none',
      body: 'none',
      // As it was signed: some check the bytes.
      handle: async () => ({ body: canonicalJson(await ownKeys(home)) }),
    }),
  ]
}

/**
 * What this server says of its keys: in use is the one that signs this alone, as Dendrite takes no answer that one of them did not sign; of those before,
 * until when they were used. A newer one, of another process, is not named: who is told here that it is old would believe so for ever.
 */
export async function ownKeys({ serverName, signingKey, ownKeys: keys, clock }: Signing): Promise<JsonObject> {
  const all = await keys.list()
  const inUse = all.filter(({ keyId }) => keyId === signingKey.keyId).map(({ keyId, key }) => [keyId, { key }])
  const old = all.flatMap(({ keyId, key, until }) => (until === undefined ? [] : [[keyId, { key, expired_ts: until }] as const]))
  const said = {
    server_name: serverName,
    valid_until_ts: clock.now() + validity,
    verify_keys: Object.fromEntries(inUse),
    old_verify_keys: Object.fromEntries(old),
  }
  return signJson(said, serverName, signingKey)
}
