import type { UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { badJson } from '../core/matrix-error.ts'
import type { PushRuleset } from '../core/push-rules.ts'
import type { Home } from '../home.ts'
import { type Auth, type Call, type Endpoint, endpoint } from '../http/endpoint.ts'
import { editAccountData, readAccountData } from '../people/account-data.ts'
import { pushRulesContent, pushRulesOf, pushRulesType } from '../people/push-rules.ts'
import { changeRule, deleteRule, findRule, putRule, readActions, readKind, readRule } from './edit-rules.ts'

type Authed = Call<'access_token'>

const root = '/_matrix/client/v3/pushrules'
const oldRoot = '/_matrix/client/r0/pushrules'

function at(path: string) {
  const without = path.endsWith('/') ? [`${root}${path.slice(0, -1)}`, `${oldRoot}${path.slice(0, -1)}`] : []
  return { path: `${root}${path}`, aliases: [`${oldRoot}${path}`, ...without], auth: 'access_token' satisfies Auth } as const
}

/** The operations on push rules. https://spec.matrix.org/v1.19/client-server-api/#push-rules-api */
export function pushRuleEndpoints({ database }: Pick<Home, 'database'>): Endpoint[] {
  const read = async (userId: UserId) => pushRulesOf(userId, await readAccountData(database, userId, undefined, pushRulesType))
  const readRuleOf = async ({ requester, params }: Authed) =>
    findRule(await read(requester.userId), readKind(params['kind']), params['ruleId']!)
  const edit = async ({ requester: { userId } }: Authed, change: (rules: PushRuleset) => PushRuleset) => {
    await editAccountData(database, userId, undefined, pushRulesType, (kept) => pushRulesContent(change(pushRulesOf(userId, kept))))
    return { body: {} }
  }
  const one = at('/global/{kind}/{ruleId}')
  const enabled = at('/global/{kind}/{ruleId}/enabled')
  const actions = at('/global/{kind}/{ruleId}/actions')
  return [
    endpoint({
      ...at('/'),
      method: 'GET',
      operationId: 'getPushRules',
      body: 'none',
      handle: async ({ requester }) => ({ body: pushRulesContent(await read(requester.userId)) }),
    }),
    endpoint({
      ...at('/global/'),
      method: 'GET',
      operationId: 'getPushRulesGlobal',
      body: 'none',
      handle: async ({ requester }) => ({ body: (await read(requester.userId)) as unknown as JsonObject }),
    }),
    endpoint({
      ...one,
      method: 'GET',
      operationId: 'getPushRule',
      body: 'none',
      handle: async (call) => ({ body: (await readRuleOf(call)) as unknown as JsonObject }),
    }),
    endpoint({
      ...one,
      method: 'PUT',
      operationId: 'setPushRule',
      body: 'json',
      rate: 'other',
      handle: (call) => {
        const kind = readKind(call.params['kind'])
        const rule = readRule(kind, call.body)
        const place = { before: call.query.get('before') ?? undefined, after: call.query.get('after') ?? undefined }
        return edit(call, (rules) => putRule(rules, kind, call.params['ruleId']!, rule, place))
      },
    }),
    endpoint({
      ...one,
      method: 'DELETE',
      operationId: 'deletePushRule',
      body: 'none',
      handle: (call) => edit(call, (rules) => deleteRule(rules, readKind(call.params['kind']), call.params['ruleId']!)),
    }),
    endpoint({
      ...enabled,
      method: 'GET',
      operationId: 'isPushRuleEnabled',
      body: 'none',
      handle: async (call) => ({ body: { enabled: (await readRuleOf(call)).enabled } }),
    }),
    endpoint({
      ...enabled,
      method: 'PUT',
      operationId: 'setPushRuleEnabled',
      body: 'json',
      handle: (call) => {
        const { enabled: wanted } = call.body
        if (typeof wanted !== 'boolean') throw badJson('enabled is neither true nor false')
        return edit(call, (rules) => changeRule(rules, readKind(call.params['kind']), call.params['ruleId']!, { enabled: wanted }))
      },
    }),
    endpoint({
      ...actions,
      method: 'GET',
      operationId: 'getPushRuleActions',
      body: 'none',
      handle: async (call) => ({ body: { actions: (await readRuleOf(call)).actions } }),
    }),
    endpoint({
      ...actions,
      method: 'PUT',
      operationId: 'setPushRuleActions',
      body: 'json',
      handle: (call) => {
        const wanted = readActions(call.body['actions'])
        return edit(call, (rules) => changeRule(rules, readKind(call.params['kind']), call.params['ruleId']!, { actions: wanted }))
      },
    }),
  ]
}
