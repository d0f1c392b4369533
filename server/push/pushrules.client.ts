import type { UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { badJson } from '../core/matrix-error.ts'
import type { PushRule, PushRuleKind, PushRuleset } from '../core/push-rules.ts'
import type { Home } from '../home.ts'
import { type Auth, type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
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

/** A user's rules, read and changed. */
type Rules = {
  readonly read: (userId: UserId) => Promise<PushRuleset>
  readonly readOne: (call: Authed) => Promise<PushRule>
  readonly edit: (call: Authed, change: (rules: PushRuleset, kind: PushRuleKind, ruleId: string) => PushRuleset) => Promise<Reply>
}

/** The operations on push rules. https://spec.matrix.org/v1.19/client-server-api/#push-rules-api */
export function pushRuleEndpoints({ database }: Pick<Home, 'database'>): Endpoint[] {
  const read = async (userId: UserId) => pushRulesOf(userId, await readAccountData(database, userId, undefined, pushRulesType))
  const rules: Rules = {
    read,
    readOne: async ({ requester, params }) => findRule(await read(requester.userId), readKind(params['kind']), params['ruleId']!),
    edit: async ({ requester: { userId }, params }, change) => {
      const kind = readKind(params['kind'])
      await editAccountData(database, userId, undefined, pushRulesType, (kept) =>
        pushRulesContent(change(pushRulesOf(userId, kept), kind, params['ruleId']!)),
      )
      return { body: {} }
    },
  }
  return [...readEndpoints(rules), ...ruleEndpoints(rules), ...enabledEndpoints(rules), ...actionsEndpoints(rules)]
}

function readEndpoints({ read }: Rules): Endpoint[] {
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
  ]
}

function ruleEndpoints({ readOne, edit }: Rules): Endpoint[] {
  const one = at('/global/{kind}/{ruleId}')
  return [
    endpoint({
      ...one,
      method: 'GET',
      operationId: 'getPushRule',
      body: 'none',
      handle: async (call) => ({ body: (await readOne(call)) as unknown as JsonObject }),
    }),
    endpoint({
      ...one,
      method: 'PUT',
      operationId: 'setPushRule',
      body: 'json',
      rate: 'other',
      handle: (call) => {
        const rule = readRule(readKind(call.params['kind']), call.body)
        const place = { before: call.query.get('before') ?? undefined, after: call.query.get('after') ?? undefined }
        return edit(call, (rules, kind, ruleId) => putRule(rules, kind, ruleId, rule, place))
      },
    }),
    endpoint({ ...one, method: 'DELETE', operationId: 'deletePushRule', body: 'none', handle: (call) => edit(call, deleteRule) }),
  ]
}

function enabledEndpoints({ readOne, edit }: Rules): Endpoint[] {
  const enabled = at('/global/{kind}/{ruleId}/enabled')
  return [
    endpoint({
      ...enabled,
      method: 'GET',
      operationId: 'isPushRuleEnabled',
      body: 'none',
      handle: async (call) => ({ body: { enabled: (await readOne(call)).enabled } }),
    }),
    endpoint({
      ...enabled,
      method: 'PUT',
      operationId: 'setPushRuleEnabled',
      body: 'json',
      handle: (call) => {
        const { enabled: wanted } = call.body
        if (typeof wanted !== 'boolean') throw badJson('enabled is neither true nor false')
        return edit(call, (rules, kind, ruleId) => changeRule(rules, kind, ruleId, { enabled: wanted }))
      },
    }),
  ]
}

function actionsEndpoints({ readOne, edit }: Rules): Endpoint[] {
  const actions = at('/global/{kind}/{ruleId}/actions')
  return [
    endpoint({
      ...actions,
      method: 'GET',
      operationId: 'getPushRuleActions',
      body: 'none',
      handle: async (call) => ({ body: { actions: (await readOne(call)).actions } }),
    }),
    endpoint({
      ...actions,
      method: 'PUT',
      operationId: 'setPushRuleActions',
      body: 'json',
      handle: (call) => {
        const wanted = readActions(call.body['actions'])
        return edit(call, (rules, kind, ruleId) => changeRule(rules, kind, ruleId, { actions: wanted }))
      },
    }),
  ]
}
