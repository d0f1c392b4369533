import { serverNameOf } from '../../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { isPlainText } from '../../core/plain-text.ts'
import type { Home } from '../../home.ts'
import type { Claimed, Wanted } from '../claim-keys.ts'
import { isKey } from '../device-keys.ts'
import { type AskServer, addFailure, type Failures } from './ask-server.ts'
import { eachInTime } from './in-time.ts'
import { valueIn } from './read-answers.ts'

type Needs = { readonly home: Pick<Home, 'clock'>; readonly askServer: AskServer }

const largestAnswer = 10 * 1024 * 1024

/**
 * Claims keys of users of other servers, all servers at once. Whoever gets one verifies it, and must, as its server is not trusted with keys.
 * https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysclaim
 */
export async function claimRemoteKeys(
  { home, askServer }: Needs,
  wanted: readonly Wanted[],
  timeoutMs: number,
): Promise<{ claimed: Claimed[]; failures: Failures }> {
  const failures: Failures = {}
  const servers = [...Map.groupBy(wanted, ({ userId }) => serverNameOf(userId))]
  const answers = await eachInTime(home, timeoutMs, servers, ([server, some]) => {
    const content = { one_time_keys: wantedOf(some) }
    return askServer.ask(server, { method: 'POST', path: '/keys/claim', content, limit: largestAnswer, timeoutMs })
  })
  const claimed = servers.flatMap(([server, some], at) => {
    const heard = answers[at]
    if (heard === undefined || (!heard.ok && heard.silent)) addFailure(failures, server)
    return heard?.ok ? some.flatMap((one) => claimedOf(heard.body, one)) : []
  })
  return { claimed, failures }
}

function wantedOf(wanted: readonly Wanted[]): JsonObject {
  const byUser: Record<string, Record<string, string>> = {}
  for (const { userId, deviceId, algorithm } of wanted) byUser[userId] = { ...byUser[userId], [deviceId]: algorithm }
  return byUser
}

/** The key of an answer that was asked for: one, of the algorithm that was wanted. */
function claimedOf(body: JsonObject, wanted: Wanted): Claimed[] {
  const keys = valueIn(valueIn(body['one_time_keys'], wanted.userId), wanted.deviceId)
  if (!isJsonObject(keys)) return []
  const found = Object.entries(keys).find(([keyId, key]) => isPlainText(keyId) && keyId.startsWith(`${wanted.algorithm}:`) && isKey(key))
  return found === undefined ? [] : [{ ...wanted, keyId: found[0], key: found[1] as Json }]
}
