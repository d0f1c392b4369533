import { createHash } from 'node:crypto'
import { encodeBase64 } from '../../../server/core/base64.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { generateSigningKey, signJson } from '../../../server/core/signatures.ts'
import { createKeyRing } from '../../../server/remote/key-ring.ts'
import type { Peers, SignedRequest } from '../../../server/remote/signed-request.ts'
import type { Database } from '../../../server/storage/database.ts'

export const day = 24 * 3_600_000
export const now = 100 * day
export const key = (seed: number) => generateSigningKey(createHash('sha256').update(`${seed}`).digest(), `k${seed}`)
export const [ours, theirs, newer, notarys] = [key(1), key(2), key(3), key(4)] as const
type Key = ReturnType<typeof key>
/** What servers answer to questions, by their names. */
export type World = Record<string, (uri: string, content?: JsonObject) => JsonObject | undefined | Promise<JsonObject | undefined>>

export const wanted = { serverName: 'peer.test', keyId: theirs.keyId, at: now, forRequest: true }
export const published = encodeBase64(theirs.publicKey)

/** What a server says of its keys. */
export function says(serverName: string, until: number, keys: readonly Key[], old: readonly (readonly [Key, number])[] = []): JsonObject {
  const entry = (one: Key) => ({ key: encodeBase64(one.publicKey) })
  const said = {
    server_name: serverName,
    valid_until_ts: until,
    verify_keys: Object.fromEntries(keys.map((one) => [one.keyId, entry(one)])),
    old_verify_keys: Object.fromEntries(old.map(([one, expired_ts]) => [one.keyId, { ...entry(one), expired_ts }])),
  }
  return keys.reduce<JsonObject>((object, one) => signJson(object, serverName, one), said)
}

const ownKeys = { find: async ({ keyId }: { keyId: string }) => (keyId === ours.keyId ? encodeBase64(ours.publicKey) : undefined) }

type Bounds = Pick<Parameters<typeof createKeyRing>[0], 'soonMs' | 'turnMs' | 'mostStrangers'>
const never = 2 ** 31 - 1

/** A key ring among such servers, with a clock of its own; `asked` are those that it asked, in order. Unless told otherwise it has all the time there is. */
export function ringOver(database: Database, world: World, notaries: string[] = [], bounds: Bounds = {}) {
  const asked: string[] = []
  const clock = { time: now, now: () => clock.time }
  const ask = async ({ destination, uri, content }: Pick<SignedRequest, 'destination' | 'uri' | 'content'>) => {
    asked.push(destination)
    const body = await world[destination]?.(uri, content as JsonObject)
    if (body === undefined) return { ok: false, reason: 'unreachable', words: 'no' } as const
    return { ok: true, status: 200, headers: {}, body } as const
  }
  const peers = { fetchJson: ask, fetchUnsigned: ask } as unknown as Peers
  const made = createKeyRing({
    database,
    peers,
    serverName: 'here.test',
    ownKeys,
    clock,
    notaries,
    soonMs: never,
    turnMs: never,
    ...bounds,
  })
  return { ...made, asked, clock }
}
