import type { UserId } from './ids.ts'
import { isJsonObject, type Json, type JsonObject } from './json.ts'
import { compileCondition, containsWords, type PushCondition, type PushContext, type Test } from './push-conditions.ts'

export type PushAction = string | { readonly set_tweak: string; readonly value?: Json }

export type PushRule = {
  readonly rule_id: string
  readonly default: boolean
  readonly enabled: boolean
  readonly actions: readonly PushAction[]
  readonly conditions?: readonly PushCondition[]
  readonly pattern?: string
}

/** The kinds of rules in the order in which they are asked. */
export const pushRuleKinds = ['override', 'content', 'room', 'sender', 'underride'] as const
export type PushRuleKind = (typeof pushRuleKinds)[number]
export type PushRuleset = Readonly<Record<PushRuleKind, readonly PushRule[]>>

/** What an event does to one user: nothing, or a notification, perhaps with a highlight and a sound. */
export type PushOutcome = { readonly notify: boolean; readonly highlight: boolean; readonly sound?: string }

type CompiledRule = {
  /** The one type of event, in small letters, that a condition of it lets through. */
  readonly type: string | undefined
  readonly tests: readonly Test[]
  readonly outcome: PushOutcome
  readonly actions: readonly PushAction[]
}
export type CompiledRules = readonly CompiledRule[]

export const silence: PushOutcome = Object.freeze({ notify: false, highlight: false })

const sound = (value: string): PushAction => ({ set_tweak: 'sound', value })
const highlight: PushAction = { set_tweak: 'highlight' }
const match = (key: string, pattern: string): PushCondition => ({ kind: 'event_match', key, pattern })
const isOneToOne: PushCondition = { kind: 'room_member_count', is: '2' }

function base(name: string, conditions: PushCondition[], actions: PushAction[], enabled = true): PushRule {
  return { rule_id: `.m.rule.${name}`, default: true, enabled, conditions, actions }
}

/** https://github.com/matrix-org/matrix-spec-proposals/pull/3930 */
function poll(name: string, conditions: PushCondition[], actions: PushAction[]): PushRule {
  return { rule_id: `.org.matrix.msc3930.rule.poll_${name}`, default: true, enabled: true, conditions, actions }
}

/**
 * The rules that every user has. `.m.rule.master` goes before the user's own override rules, all others behind those of their kind.
 * https://spec.matrix.org/v1.19/client-server-api/#predefined-rules
 */
export function basePushRules(userId: UserId): PushRuleset {
  const mentionsUser = { kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: userId }
  const mentionsRoom = { kind: 'event_property_is', key: 'content.m\\.mentions.room', value: true }
  const mayMentionRoom = { kind: 'sender_notification_permission', key: 'room' }
  const isEdit = { kind: 'event_property_is', key: 'content.m\\.relates_to.rel_type', value: 'm.replace' }
  const [startsPoll, endsPoll, answersPoll] = ['start', 'end', 'response'].map((part) =>
    match('type', `org.matrix.msc3381.poll.${part}`),
  ) as [PushCondition, PushCondition, PushCondition]
  const invitesUser = [match('type', 'm.room.member'), match('content.membership', 'invite'), match('state_key', userId)]
  return {
    override: [
      base('master', [], [], false),
      base('suppress_notices', [match('content.msgtype', 'm.notice')], []),
      base('invite_for_me', invitesUser, ['notify', sound('default')]),
      base('member_event', [match('type', 'm.room.member')], []),
      base('is_user_mention', [mentionsUser], ['notify', sound('default'), highlight]),
      base('is_room_mention', [mentionsRoom, mayMentionRoom], ['notify', highlight]),
      base('tombstone', [match('type', 'm.room.tombstone'), match('state_key', '')], ['notify', highlight]),
      base('reaction', [match('type', 'm.reaction')], []),
      base('room.server_acl', [match('type', 'm.room.server_acl'), match('state_key', '')], []),
      base('suppress_edits', [isEdit], []),
      poll('response', [answersPoll], []),
    ],
    content: [],
    room: [],
    sender: [],
    underride: [
      base('call', [match('type', 'm.call.invite')], ['notify', sound('ring')]),
      base('encrypted_room_one_to_one', [isOneToOne, match('type', 'm.room.encrypted')], ['notify', sound('default')]),
      base('room_one_to_one', [isOneToOne, match('type', 'm.room.message')], ['notify', sound('default')]),
      base('message', [match('type', 'm.room.message')], ['notify']),
      base('encrypted', [match('type', 'm.room.encrypted')], ['notify']),
      poll('start_one_to_one', [isOneToOne, startsPoll], ['notify', sound('default')]),
      poll('start', [startsPoll], ['notify']),
      poll('end_one_to_one', [isOneToOne, endsPoll], ['notify', sound('default')]),
      poll('end', [endsPoll], ['notify']),
    ],
  }
}

/** Makes a user's rules ready for many events. Disabled rules are left out. */
export function compileRules(rules: PushRuleset): CompiledRules {
  return pushRuleKinds.flatMap((kind) =>
    rules[kind]
      .filter((rule) => rule.enabled)
      .map(({ actions, ...rule }) => ({
        type: onlyType(rule),
        tests: compileTests(kind, rule),
        outcome: readActions(actions),
        actions,
      })),
  )
}

/**
 * Tells what an event does to a user: the actions of the first rule that matches. Nobody is notified of their own events. The event is in
 * the format for clients: `type`, `sender`, `room_id`, `content`, perhaps `state_key`.
 */
export function evaluate(rules: CompiledRules, event: JsonObject, context: PushContext): PushOutcome {
  return matchingRule(rules, event, context)?.outcome ?? silence
}

/** The actions of the first rule that matches an event, if it is one that notifies. */
export function notifyingActions(rules: CompiledRules, event: JsonObject, context: PushContext): readonly PushAction[] | undefined {
  const rule = matchingRule(rules, event, context)
  return rule?.outcome.notify ? rule.actions : undefined
}

function matchingRule(rules: CompiledRules, event: JsonObject, context: PushContext): CompiledRule | undefined {
  if (event['sender'] === context.userId) return undefined
  const type = String(event['type']).toLowerCase()
  return rules.find((rule) => (rule.type === undefined || rule.type === type) && rule.tests.every((test) => test(event, context)))
}

/** Most rules are about one type of event: the others are passed over without a look at their conditions. */
function onlyType({ conditions = [] }: Omit<PushRule, 'actions'>): string | undefined {
  const ofType = conditions.find(({ kind, key, pattern }) => kind === 'event_match' && key === 'type' && typeof pattern === 'string')
  return ofType?.pattern === undefined || /[*?]/.test(ofType.pattern) ? undefined : ofType.pattern.toLowerCase()
}

const tests = new Map<string, Test>()
const mostTests = 5000

/** A condition's test; users who have the same condition share it. */
function testOf(condition: PushCondition): Test {
  const key = JSON.stringify(condition)
  const known = tests.get(key)
  if (known !== undefined) return known
  if (tests.size >= mostTests) tests.clear()
  const test = compileCondition(condition)
  tests.set(key, test)
  return test
}

function compileTests(kind: PushRuleKind, rule: Omit<PushRule, 'actions'>): readonly Test[] {
  switch (kind) {
    case 'content':
      return [containsWords(rule.pattern)]
    case 'room':
      return [(event) => event['room_id'] === rule.rule_id]
    case 'sender':
      return [(event) => event['sender'] === rule.rule_id]
    default:
      return (rule.conditions ?? []).map(testOf)
  }
}

/** What a list of actions comes to. "Clients and homeservers MUST ignore" the historical actions `dont_notify` and `coalesce`. */
export function readActions(actions: readonly PushAction[]): PushOutcome {
  if (!actions.includes('notify')) return silence
  const tweaks = new Map<string, Json | undefined>()
  for (const action of actions) if (isJsonObject(action)) tweaks.set(String(action['set_tweak']), action['value'])
  const soundTweak = tweaks.get('sound')
  return {
    notify: true,
    // If a highlight tweak is given with no value, its value is defined to be true.
    highlight: tweaks.has('highlight') && (tweaks.get('highlight') ?? true) === true,
    ...(typeof soundTweak === 'string' ? { sound: soundTweak } : {}),
  }
}
