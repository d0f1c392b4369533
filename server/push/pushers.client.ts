import type { UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { forbidden, invalidParam, missingParam } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import { type Call, type Endpoint, endpoint } from '../http/endpoint.ts'
import { type Part, write } from '../storage/database.ts'
import { nameOf, pusherContent, pusherOf, readDescription, readPusherKey, setKind } from './pusher.ts'
import { deleteAllPushes, deletePusher, selectPushers, selectPushersOfKey, upsertPusher } from './pushers.store.ts'

type Tools = Pick<Home, 'database' | 'clock' | 'config'>

const mostPushers = 100

/** A user's pushers, listed and set. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushers */
export function pusherEndpoints(home: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v3/pushers',
      aliases: ['/_matrix/client/r0/pushers'],
      operationId: 'getPushers',
      auth: 'access_token',
      body: 'none',
      handle: async ({ requester: { userId } }) => {
        const rows = await home.database.select(selectPushers, userId)
        return { body: { pushers: rows.map((row) => pusherContent(pusherOf(row))) } }
      },
    }),
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/pushers/set',
      aliases: ['/_matrix/client/r0/pushers/set'],
      operationId: 'postPusher',
      auth: 'access_token',
      body: 'json',
      rate: 'other',
      handle: async (call) => {
        await setPusher(home, call)
        return { body: {} }
      },
    }),
  ]
}

async function setPusher(home: Tools, { requester, body }: Call<'access_token'> & { readonly body: JsonObject }): Promise<void> {
  const { userId, deviceId, service } = requester
  const { kind } = body
  if (kind === undefined) throw missingParam('`kind` is missing')
  const { appId, pushkey } = readPusherKey(body)
  if (kind === null) return remove(home, [userId], appId, pushkey, { writes: [], log: [] })
  if (service) throw forbidden('application services are told over their transactions, not over pushers')
  if (kind === 'email') throw invalidParam('this server sends no e-mail; `kind` must be http or null')
  if (kind !== 'http') throw invalidParam('`kind` must be http or null')
  const { description, enabled } = readDescription(body, home.config.push.allow_private_addresses)
  const mine = await home.database.select(selectPushers, userId)
  const known = mine.find((row) => row.app_id === appId && row.pushkey === pushkey)
  if (known === undefined && mine.length >= mostPushers) throw invalidParam(`there are ${mostPushers} pushers already`)
  const holders = body['append'] === true ? [] : await home.database.select(selectPushersOfKey, appId, pushkey)
  const others = holders.map((row) => row.user_id as UserId).filter((other) => other !== userId)
  const at = Math.floor(home.clock.now() / 1000)
  const text = JSON.stringify(description)
  const set = write(upsertPusher, userId, appId, pushkey, deviceId ?? null, enabled ? 1 : 0, text, at)
  const isNew = known?.enabled !== 1
  const log = [{ kind: 'pusher', key: userId }, ...(isNew ? [{ kind: setKind, key: nameOf({ userId, appId, pushkey }) }] : [])]
  await remove(home, others, appId, pushkey, { writes: [set], log })
}

/** Removes a pusher of some users, with what else is to be written and told; the log tells those whose pushers changed. */
async function remove(
  { database }: Pick<Home, 'database'>,
  userIds: readonly UserId[],
  appId: string,
  pushkey: string,
  more: Required<Pick<Part, 'writes' | 'log'>>,
): Promise<void> {
  const writes = userIds.flatMap((userId) => [write(deletePusher, userId, appId, pushkey), write(deleteAllPushes, userId, appId, pushkey)])
  const log = userIds.map((userId) => ({ kind: 'pusher', key: userId }))
  await database.commit({ writes: [...writes, ...more.writes], log: [...log, ...more.log] })
}
