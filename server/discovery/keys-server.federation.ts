import { encodeBase64 } from '../core/base64.ts'
import { canonicalJson } from '../core/canonical-json.ts'
import type { JsonObject } from '../core/json.ts'
import { signJson } from '../core/signatures.ts'
import type { Home } from '../home.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'

type Signing = Pick<Home, 'serverName' | 'signingKey' | 'clock'>

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
      handle: () => ({ body: canonicalJson(ownKeys(home)) }),
    }),
  ]
}

/** What this server says of its keys. */
export function ownKeys({ serverName, signingKey: key, clock }: Signing): JsonObject {
  const keys = {
    server_name: serverName,
    valid_until_ts: clock.now() + validity,
    verify_keys: { [key.keyId]: { key: encodeBase64(key.publicKey) } },
    old_verify_keys: {},
  }
  return signJson(keys, serverName, key)
}
