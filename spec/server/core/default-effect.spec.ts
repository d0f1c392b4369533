import { expect } from 'chai'
import { countsByDefault, defaultEffect, rulesInRoom } from '../../../server/core/default-effect.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { basePushRules, compileRules, evaluate, type PushRule, type PushRuleset } from '../../../server/core/push-rules.ts'

const bob = '@bob:b.test'
const base = basePushRules(bob)
const rule = (rule_id: string, more: Partial<PushRule> = {}): PushRule => ({ rule_id, default: false, enabled: true, actions: [], ...more })
const having = (kind: keyof PushRuleset, ...rules: PushRule[]): PushRuleset => ({ ...base, [kind]: [...rules, ...base[kind]] })
const inRoom = (pattern: string) => ({ conditions: [{ kind: 'event_match', key: 'room_id', pattern }] })
const change = (kind: keyof PushRuleset, id: string, more: Partial<PushRule>): PushRuleset => ({
  ...base,
  [kind]: base[kind].map((each) => (each.rule_id === id ? { ...each, ...more } : each)),
})

describe('defaultEffect', () => {
  const types = ['m.room.message', 'M.Room.Message', 'm.room.encrypted', 'm.call.invite', 'm.reaction', 'm.sticker', 'm.room.member']
  const polls = ['start', 'response', 'end'].map((part) => `org.matrix.msc3381.poll.${part}`)
  const states = ['m.room.tombstone', 'm.room.server_acl', 'm.room.topic', 'm.room.member']
  const contents: JsonObject[] = [{}, { msgtype: 'm.text' }, { msgtype: 'm.notice' }, { msgtype: 'M.NOTICE' }, { membership: 'join' }]
  const mentions = [
    undefined,
    { user_ids: [bob] },
    { user_ids: ['@x:y'] },
    { user_ids: bob },
    { room: true },
    { room: 'true' },
    { room: true, user_ids: [bob] },
  ]
  const relations = [undefined, { rel_type: 'm.replace', event_id: '$e' }, { rel_type: 'm.thread', event_id: '$e' }]
  const kinds = [...[...types, ...polls].map((type) => ({ type })), ...states.map((type) => ({ type, state_key: '' }))]

  it('is what the predefined rules come to, for every combination of what they look at', () => {
    const rules = compileRules(base)
    let compared = 0
    for (const kind of kinds)
      for (const content of contents)
        for (const mention of mentions)
          for (const relation of relations)
            for (const [power, memberCount] of [
              [0, 2],
              [50, 3],
            ] as const) {
              const whole = { ...content, ...(mention && { 'm.mentions': mention }), ...(relation && { 'm.relates_to': relation }) }
              const event = { ...kind, sender: '@alice:a.test', room_id: '!r', content: whole }
              const context = { userId: bob, memberCount, senderPower: power, notificationLevel: () => 50 } as const
              const { notify, highlight } = evaluate(rules, event, context)
              const { notifies, highlights, named } = defaultEffect({ ...kind, content: whole }, () => power >= 50)
              const isNamed = named.includes(bob)
              expect([notifies || isNamed, highlights || isNamed], JSON.stringify(event)).to.deep.equal([notify, highlight])
              compared++
            }
    expect(compared).to.be.above(2000)
  })

  it('names a hundred at most', () => {
    const user_ids = Array.from({ length: 150 }, (_, n) => `@u${n}:b`)
    expect(defaultEffect({ type: 'm.room.message', content: { 'm.mentions': { user_ids } } }, () => false).named).to.have.length(100)
  })
})

describe('countsByDefault', () => {
  it('is true of the predefined rules, whatever sound they make, and of none that count otherwise', () => {
    expect(countsByDefault(base)).to.equal(true)
    const sound = ['notify', { set_tweak: 'sound', value: 'bing' }]
    expect(countsByDefault(change('underride', '.m.rule.message', { actions: sound }))).to.equal(true)
    expect(countsByDefault(change('underride', '.m.rule.message', { actions: [] }))).to.equal(false)
    expect(countsByDefault(change('override', '.m.rule.tombstone', { actions: ['notify'] }))).to.equal(false)
    expect(countsByDefault(change('override', '.m.rule.reaction', { enabled: false }))).to.equal(false)
    expect(countsByDefault(having('content', rule('cake', { pattern: 'cake' })))).to.equal(false)
  })
})

describe('rulesInRoom', () => {
  const ways = (rules: PushRuleset) => {
    const here = rulesInRoom(rules, '!here')
    return here.silent ? 'silent' : countsByDefault(here.rules) ? 'default' : 'own'
  }

  it('leaves out what other rooms have, and what is off', () => {
    expect(ways(having('room', rule('!there')))).to.equal('default')
    expect(ways(having('override', rule('mute', inRoom('!there'))))).to.equal('default')
    expect(ways(having('room', rule('!here', { enabled: false })))).to.equal('default')
    expect(ways(having('override', rule('globs', inRoom('!th*'))))).to.equal('own')
  })

  it('knows a room in which nothing notifies', () => {
    expect(ways(having('override', rule('mute', inRoom('!here'))))).to.equal('silent')
    expect(ways(change('override', '.m.rule.master', { enabled: true }))).to.equal('silent')
    expect(ways(having('room', rule('!here')))).to.equal('own')
    expect(ways(having('override', rule('loud', { actions: ['notify'], ...inRoom('!here') })))).to.equal('own')
  })
})
