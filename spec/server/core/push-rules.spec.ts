import { expect } from 'chai'
import type { JsonObject } from '../../../server/core/json.ts'
import type { PushContext } from '../../../server/core/push-conditions.ts'
import {
  basePushRules,
  compileRules,
  evaluate,
  type PushOutcome,
  type PushRule,
  type PushRuleset,
} from '../../../server/core/push-rules.ts'

const bob = '@bob:b.test'
const silent = { notify: false, highlight: false }
const quiet = { notify: true, highlight: false }
const loud = { notify: true, highlight: false, sound: 'default' }
const mention = { notify: true, highlight: true, sound: 'default' }

const context: PushContext = { userId: bob, displayName: 'Bob', memberCount: 5, senderPower: 0, notificationLevel: () => 50 }
const base = basePushRules(bob)

function outcome(event: JsonObject, more: Partial<PushContext> = {}, rules: PushRuleset = base): PushOutcome {
  const whole = { type: 'm.room.message', sender: '@alice:a.test', room_id: '!room', content: {}, ...event }
  return evaluate(compileRules(rules), whole, { ...context, ...more })
}

const message = (body: string, more: JsonObject = {}): JsonObject => ({ content: { msgtype: 'm.text', body, ...more } })
const rule = (fields: Partial<PushRule>): PushRule => ({ rule_id: 'mine', default: false, enabled: true, actions: ['notify'], ...fields })
const withRule = (kind: keyof PushRuleset, fields: Partial<PushRule>): PushRuleset => ({ ...base, [kind]: [rule(fields), ...base[kind]] })

describe('the base push rules', () => {
  it('have the ids and the order of the specification, without the legacy mention rules', () => {
    const ids = (kind: keyof PushRuleset) => base[kind].map(({ rule_id }) => rule_id)
    expect(ids('override')).to.deep.equal([
      '.m.rule.master',
      '.m.rule.suppress_notices',
      '.m.rule.invite_for_me',
      '.m.rule.member_event',
      '.m.rule.is_user_mention',
      '.m.rule.is_room_mention',
      '.m.rule.tombstone',
      '.m.rule.reaction',
      '.m.rule.room.server_acl',
      '.m.rule.suppress_edits',
      '.org.matrix.msc3930.rule.poll_response',
    ])
    expect(ids('underride')).to.deep.equal([
      '.m.rule.call',
      '.m.rule.encrypted_room_one_to_one',
      '.m.rule.room_one_to_one',
      '.m.rule.message',
      '.m.rule.encrypted',
      '.org.matrix.msc3930.rule.poll_start_one_to_one',
      '.org.matrix.msc3930.rule.poll_start',
      '.org.matrix.msc3930.rule.poll_end_one_to_one',
      '.org.matrix.msc3930.rule.poll_end',
    ])
    expect([base.content, base.room, base.sender]).to.deep.equal([[], [], []])
  })

  it('are all on but the master rule, and all marked as defaults', () => {
    const all = Object.values(base).flat()
    expect(all.filter(({ enabled }) => !enabled).map(({ rule_id }) => rule_id)).to.deep.equal(['.m.rule.master'])
    expect(all.every((each) => each.default)).to.equal(true)
  })

  it('silence everything once the master rule is on', () => {
    const rules = { ...base, override: base.override.map((each) => ({ ...each, enabled: true })) }
    expect(outcome(message('hello'), {}, rules)).to.deep.equal(silent)
  })

  it('notify of messages, with a sound between two', () => {
    expect(outcome(message('hello'))).to.deep.equal(quiet)
    expect(outcome({ type: 'm.room.encrypted' })).to.deep.equal(quiet)
    expect(outcome(message('hello'), { memberCount: 2 })).to.deep.equal(loud)
    expect(outcome({ type: 'm.room.encrypted' }, { memberCount: 2 })).to.deep.equal(loud)
  })

  it('never notify users of what they sent themselves', () => {
    expect(outcome({ ...message('hello'), sender: bob })).to.deep.equal(silent)
  })

  it('stay silent for notices, reactions, edits, memberships, server ACLs and what nobody knows', () => {
    expect(outcome(message('beep', { msgtype: 'm.notice', 'm.mentions': { user_ids: [bob] } }))).to.deep.equal(silent)
    expect(outcome({ type: 'm.reaction' })).to.deep.equal(silent)
    expect(outcome(message('* hello', { 'm.relates_to': { rel_type: 'm.replace' } }))).to.deep.equal(silent)
    expect(outcome({ type: 'm.room.member', state_key: '@carol:c', content: { membership: 'join' } })).to.deep.equal(silent)
    expect(outcome({ type: 'm.room.server_acl', state_key: '' })).to.deep.equal(silent)
    expect(outcome({ type: 'm.any' })).to.deep.equal(silent)
  })

  it('notify of an invite to the user, and of nobody else’s', () => {
    const invite = { type: 'm.room.member', content: { membership: 'invite' } }
    expect(outcome({ ...invite, state_key: bob })).to.deep.equal(loud)
    expect(outcome({ ...invite, state_key: '@carol:c' })).to.deep.equal(silent)
  })

  it('highlight what mentions the user by id, not by name', () => {
    expect(outcome(message('hi', { 'm.mentions': { user_ids: ['@carol:c', bob] } }))).to.deep.equal(mention)
    expect(outcome(message('hi', { 'm.mentions': { user_ids: bob } }))).to.deep.equal(quiet)
    expect(outcome(message('hi Bob'))).to.deep.equal(quiet)
  })

  it('highlight what mentions the room, by a sender with the power to', () => {
    const all = message('hi', { 'm.mentions': { room: true } })
    expect(outcome(all, { senderPower: 50 })).to.deep.equal({ notify: true, highlight: true })
    expect(outcome(all, { senderPower: 49 })).to.deep.equal(quiet)
    expect(outcome(message('hi', { 'm.mentions': { room: 'true' } }), { senderPower: 50 })).to.deep.equal(quiet)
  })

  it('highlight a tombstone that is state, and ring for calls', () => {
    expect(outcome({ type: 'm.room.tombstone', state_key: '' })).to.deep.equal({ notify: true, highlight: true })
    expect(outcome({ type: 'm.room.tombstone' })).to.deep.equal(silent)
    expect(outcome({ type: 'm.call.invite' })).to.deep.equal({ notify: true, highlight: false, sound: 'ring' })
  })
})

describe('push rules', () => {
  it('are asked in the order override, content, room, sender, underride', () => {
    const sounds = (kind: keyof PushRuleset, fields: Partial<PushRule> = {}) => ({
      [kind]: [rule({ ...fields, actions: ['notify', { set_tweak: 'sound', value: kind }] })],
    })
    const kinds = [
      sounds('override'),
      sounds('content', { pattern: 'hello' }),
      sounds('room', { rule_id: '!room' }),
      sounds('sender', { rule_id: '@alice:a.test' }),
      sounds('underride'),
    ]
    const heard = kinds.map((_, at) => outcome(message('hello'), {}, Object.assign({}, base, ...kinds.slice(at))).sound)
    expect(heard).to.deep.equal(['override', 'content', 'room', 'sender', 'underride'])
  })

  it('stop at the first that matches, also when it says nothing', () => {
    expect(outcome(message('hello'), {}, withRule('room', { rule_id: '!room', actions: [] }))).to.deep.equal(silent)
    expect(outcome(message('hello'), {}, withRule('room', { rule_id: '!other', actions: [] }))).to.deep.equal(quiet)
    expect(outcome(message('hello'), {}, withRule('sender', { rule_id: '@alice:a.test', actions: [] }))).to.deep.equal(silent)
  })

  it('do nothing while they are off', () => {
    expect(outcome(message('hello'), {}, withRule('room', { rule_id: '!room', actions: [], enabled: false }))).to.deep.equal(quiet)
  })

  it('find the words of a content rule, whatever their case', () => {
    const rules = withRule('content', { pattern: 'CAKE*lie', actions: [] })
    expect(outcome(message('the cake is a lie!'), {}, rules)).to.deep.equal(silent)
    expect(outcome(message('pancake is a lie'), {}, rules)).to.deep.equal(quiet)
    expect(outcome(message('anything'), {}, withRule('content', { actions: [] }))).to.deep.equal(quiet)
  })

  it('ignore the historical actions', () => {
    expect(outcome(message('hello'), {}, withRule('override', { actions: ['dont_notify'] }))).to.deep.equal(silent)
    expect(outcome(message('hello'), {}, withRule('override', { actions: ['coalesce'] }))).to.deep.equal(silent)
    expect(outcome(message('hello'), {}, withRule('override', { actions: ['notify', 'coalesce'] }))).to.deep.equal(quiet)
  })

  it('highlight unless the tweak says no', () => {
    const highlights = (value?: boolean) =>
      withRule('override', { actions: ['notify', { set_tweak: 'highlight', ...(value === undefined ? {} : { value }) }] })
    expect(outcome(message('hello'), {}, highlights()).highlight).to.equal(true)
    expect(outcome(message('hello'), {}, highlights(true)).highlight).to.equal(true)
    expect(outcome(message('hello'), {}, highlights(false)).highlight).to.equal(false)
  })
})
