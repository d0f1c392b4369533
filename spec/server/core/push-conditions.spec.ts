import { expect } from 'chai'
import type { JsonObject } from '../../../server/core/json.ts'
import { compileCondition, type PushCondition, type PushContext } from '../../../server/core/push-conditions.ts'

const context: PushContext = {
  userId: '@bob:b.test',
  displayName: 'Bob (he)',
  memberCount: 10,
  senderPower: 20,
  notificationLevel: (key) => (key === 'room' ? 20 : 50),
}
const event = {
  type: 'm.any',
  content: { body: 'Lunch plans', list: ['a', 1, null, { a: 1 }], 'm.flag': true, nothing: null, many: 7, deep: {} },
}

const meets = (condition: PushCondition, about: JsonObject = event, more: Partial<PushContext> = {}) =>
  compileCondition(condition)(about, { ...context, ...more })

describe('a push condition', () => {
  it('matches a property as a whole, but content.body by words', () => {
    const match = (key: string, pattern: string) => meets({ kind: 'event_match', key, pattern })
    expect(match('type', 'M.ANY')).to.equal(true)
    expect(match('type', 'any')).to.equal(false)
    expect(match('content.body', 'plans')).to.equal(true)
    expect(match('content.body', 'plan')).to.equal(false)
  })

  it('matches no property that is absent or no string, whatever the pattern', () => {
    for (const key of ['content.many', 'content.nothing', 'content.other', 'content.deep', 'state_key']) {
      expect(meets({ kind: 'event_match', key, pattern: '*' }), key).to.equal(false)
    }
  })

  it('compares a property exactly, without casting', () => {
    const is = (key: string, value: string | number | boolean | null) => meets({ kind: 'event_property_is', key, value })
    expect([is('content.m\\.flag', true), is('content.nothing', null), is('content.many', 7), is('type', 'm.any')]).to.deep.equal([
      true,
      true,
      true,
      true,
    ])
    expect([is('content.m\\.flag', 'true'), is('content.m\\.flag', 1), is('content.other', null), is('type', 'M.ANY')]).to.deep.equal([
      false,
      false,
      false,
      false,
    ])
  })

  it('finds a value in a list exactly', () => {
    const contains = (key: string, value: PushCondition['value']) =>
      meets({ kind: 'event_property_contains', key, ...(value === undefined ? {} : { value }) })
    expect([contains('content.list', 'a'), contains('content.list', 1), contains('content.list', null)]).to.deep.equal([true, true, true])
    for (const value of ['b', '1', true, { a: 1 }, undefined]) expect(contains('content.list', value)).to.equal(false)
    expect(contains('content.body', 'Lunch')).to.equal(false)
  })

  it('finds the display name as it is, signs included, at word boundaries', () => {
    const names = (body: unknown, displayName: string | undefined = context.displayName) =>
      meets({ kind: 'contains_display_name' }, { content: { body } } as JsonObject, { displayName })
    expect(names('hello bob (HE)!')).to.equal(true)
    expect(names('hello Bob')).to.equal(false)
    expect(names('bobby and bob', 'Bob')).to.equal(true)
    expect(names('bobby', 'Bob')).to.equal(false)
    expect(names('a*b', '*')).to.equal(false)
    expect([names('hello', ''), names('undefined', undefined as never), names(7)]).to.deep.equal([false, false, false])
  })

  it('compares the number of members', () => {
    const counts = (is: unknown) => meets({ kind: 'room_member_count', is } as PushCondition)
    for (const is of ['10', '==10', '>9', '<11', '>=10', '<=10']) expect(counts(is), is).to.equal(true)
    for (const is of ['9', '==11', '>10', '<10', '>=11', '<=9', '', '=10', '!=9', '1e1', ' 10', '-1', '10.0', 10, undefined]) {
      expect(counts(is), String(is)).to.equal(false)
    }
  })

  it('asks the sender for the power to notify', () => {
    const may = (key: unknown, senderPower: number) =>
      meets({ kind: 'sender_notification_permission', key } as PushCondition, event, { senderPower })
    expect([may('room', 20), may('room', 19), may('other', 49), may('other', 50), may(undefined, 100)]).to.deep.equal([
      true,
      false,
      false,
      true,
      false,
    ])
  })

  it('that nobody knows, or that lacks its parts, matches nothing', () => {
    for (const condition of [
      { kind: 'org.example.always' },
      { kind: 'event_match' },
      { kind: 'event_match', key: 'type' },
      { kind: 'event_property_is' },
    ]) {
      expect(meets(condition)).to.equal(false)
    }
  })
})
