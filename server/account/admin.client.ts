import { readOptionalBoolean, userIdOf } from '../core/fields.ts'
import { serverNameOf, type UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { forbidden, invalidParam, missingParam, notFound } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply, type Requester } from '../http/endpoint.ts'
import type { Account } from '../people/people.ts'
import type { Tools } from '../slice.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#server-administration */
export function administration(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v3/admin/whois/{userId}',
      aliases: ['/_matrix/client/r0/admin/whois/{userId}', '/_synapse/admin/v1/whois/{userId}'],
      operationId: 'getWhoIs',
      auth: 'access_token',
      body: 'none',
      handle: (call) => whoIs(tools, call),
    }),
    ...standing(tools, 'suspended', 'suspend', { get: 'getAdminSuspendUser', set: 'setAdminSuspendUser' }),
    ...standing(tools, 'locked', 'lock', { get: 'getAdminLockUser', set: 'setAdminLockUser' }),
  ]
}

/** Asking and saying whether an account is suspended, or locked. */
function standing(tools: Tools, key: 'suspended' | 'locked', verb: string, ids: { get: string; set: string }): Endpoint[] {
  const common = {
    path: `/_matrix/client/v1/admin/${verb}/{userId}`,
    aliases: [`/_matrix/client/unstable/uk.timedout.msc4323/admin/${verb}/{userId}`],
    auth: 'access_token',
  } as const
  return [
    endpoint({
      ...common,
      method: 'GET',
      operationId: ids.get,
      body: 'none',
      handle: async ({ requester, params }) => ({ body: { [key]: (await targetOf(tools, requester, params['userId']))[key] } }),
    }),
    endpoint({
      ...common,
      method: 'PUT',
      operationId: ids.set,
      body: 'json',
      handle: async ({ requester, params, body }) => {
        const { userId } = await targetOf(tools, requester, params['userId'])
        const wanted = readOptionalBoolean(body, key)
        if (wanted === undefined) throw missingParam(`\`${key}\` is missing`)
        await tools.people.setStanding(userId, { [key]: wanted })
        return { body: { [key]: wanted } }
      },
    }),
  ]
}

/** The account that an administrator means. Who asks is looked at first, so that nobody else learns who exists. */
async function targetOf({ home, people }: Tools, requester: Requester, named: string | undefined): Promise<Account> {
  if (!requester.admin) throw forbidden('this is for administrators')
  const userId = userIdOf(named)
  if (serverNameOf(userId) !== home.serverName) throw invalidParam('this user is not of this server')
  const account = await people.account(userId)
  if (!account || account.deactivated) throw notFound('there is no such user')
  if (account.admin) throw forbidden('this user is an administrator too')
  return account
}

async function whoIs({ people }: Tools, { requester, params }: Call<'access_token'>): Promise<Reply> {
  const userId: UserId = userIdOf(params['userId'])
  if (!requester.admin && requester.userId !== userId) throw forbidden('this is for administrators')
  if (!(await people.account(userId))) throw notFound('there is no such user')
  const devices: Record<string, JsonObject> = {}
  for (const { deviceId, lastSeenIp, lastSeenAt } of await people.devices(userId)) {
    const connections = lastSeenIp === undefined ? [] : [{ ip: lastSeenIp, last_seen: lastSeenAt }]
    devices[deviceId] = { sessions: [{ connections }] }
  }
  return { body: { user_id: userId, devices } }
}
