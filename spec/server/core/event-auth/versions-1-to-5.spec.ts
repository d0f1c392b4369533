import { expect } from 'chai'
import { checkAuthRules } from '../../../../server/core/event-auth/check-auth-rules.ts'
import { selectAuthEvents } from '../../../../server/core/event-auth/select-auth-events.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import { parseLossless } from '../../../../server/core/lossless-json.ts'
import type { Verdict } from '../../../../server/core/verdict.ts'
import { type RoomStory, room, type Told } from '../../../support/room-story.ts'
import { expectAllowed, expectRefused } from '../../../support/verdicts.ts'

const versions = ['1', '2', '3', '4', '5']
const bob = '@bob:b.test'
const carol = '@carol:c.test'

type Case = {
  /** The specification's number and sentence. */
  readonly rule: string
  readonly versions?: readonly string[]
  readonly allows: (version: string) => Verdict[]
  readonly refuses: (version: string) => readonly [reason: string, verdicts: Verdict[]]
}

const withBob = (version: string) => room(version).joinRule('public').join(bob)
const aliases = (more: Partial<Told>): Told => ({ type: 'm.room.aliases', sender: bob, content: { aliases: [] }, ...more })
const redaction = (redacts: string): Told => ({ type: 'm.room.redaction', sender: bob, redacts: redacts as `$${string}` })
/** Judges power levels, also such as no JSON can hold and only a careless parser lets through. */
function levels(story: RoomStory, content: object, sender: `@${string}` = '@alice:a.test'): Verdict {
  const event = story.build({ type: 'm.room.power_levels', state_key: '', sender })
  return checkAuthRules({ ...event, content: content as JsonObject }, story.rules, story.readState)
}

/** What is other in room versions 1 to 5 than in later ones. https://spec.matrix.org/v1.19/rooms/v1/#authorisation-rules */
const cases: readonly Case[] = [
  {
    rule: '1.4 If content has no creator property, reject.',
    allows: (version) => [room(version).judge({ type: 'm.room.create', state_key: '', prev_events: [], content: { creator: bob } })],
    refuses: (version) => [
      'the create event names no creator',
      [room(version).judge({ type: 'm.room.create', state_key: '', prev_events: [] })],
    ],
  },
  {
    rule: '3 … the sender domain of the event does not match the sender domain of the create event, reject. (also aliases)',
    allows: (version) => [room(version, { 'm.federate': false }).judge(aliases({ sender: '@dave:a.test', state_key: 'a.test' }))],
    refuses: (version) => ['the room does not federate', [room(version, { 'm.federate': false }).judge(aliases({ state_key: 'b.test' }))]],
  },
  {
    rule: '4.1 If event has no state_key, reject.',
    allows: (version) => [room(version).judge(aliases({ state_key: 'b.test' }))],
    refuses: (version) => ['an aliases event needs a state key', [room(version).judge(aliases({}))]],
  },
  {
    rule: '4.2 If sender’s domain doesn’t match state_key, reject. 4.3 Otherwise, allow. (whoever is in the room, whatever it requires)',
    allows: (version) => [
      room(version).judge(aliases({ state_key: 'b.test' })),
      room(version)
        .ban(bob)
        .levels({ events: { 'm.room.aliases': 100 } })
        .judge(aliases({ state_key: 'b.test' })),
    ],
    refuses: (version) => [
      'the aliases are those of another server',
      ['a.test', '', bob, 'b.test:8448'].map((key) => room(version).judge(aliases({ state_key: key }))),
    ],
  },
  {
    rule: '5.2.1 If the only previous event is an m.room.create and the state_key is the creator, allow. (cited as the version does)',
    allows: (version) => [room(version).judgeMember('@alice:a.test', 'join')],
    refuses: (version) => ['the user is not invited', [room(version).judgeMember(bob, 'join')]],
  },
  {
    rule: '5.2.4 If the join_rule is invite then allow if membership state is invite or join. 5.2.6 Otherwise, reject. (knock, restricted)',
    allows: (version) => [room(version).joinRule('invite').invite(bob).judgeMember(bob, 'join')],
    refuses: (version) => [
      'the join rule lets nobody in',
      ['knock', 'restricted', 'knock_restricted', 'private'].map((rule) =>
        room(version).joinRule(rule).invite(bob).judgeMember(bob, 'join'),
      ),
    ],
  },
  {
    rule: '5.4.1 … allow if and only if that user’s current membership state is invite or join.',
    allows: (version) => [room(version).invite(bob).judgeMember(bob, 'leave')],
    refuses: (version) => [
      'the user is neither in the room, nor invited, nor knocking',
      [room(version).member(bob, 'knock').judgeMember(bob, 'leave')],
    ],
  },
  {
    rule: '5.6 Otherwise, the membership is unknown. Reject. (knock)',
    allows: (version) => [room(version).joinRule('public').judgeMember(bob, 'join')],
    refuses: (version) => ['this room version knows no knocking', [room(version).joinRule('knock').judgeMember(bob, 'knock')]],
  },
  {
    rule: '10.1 If the users property in content is not an object with … integers (or a string that is an integer), reject. (or a float)',
    allows: (version) =>
      ['50', ' +0050 ', '-1', 50.57, -0.5, 1e300, 2n ** 70n].map((level) => levels(room(version), { users: { [bob]: level } })),
    refuses: (version) => [
      'users is not a map of user ids to integers',
      ['50.5', '', 'many', '5 0', '0x10', null, true, [50], Number.POSITIVE_INFINITY, 10n ** 400n].map((level) =>
        levels(room(version), { users: { [bob]: level } }),
      ),
    ],
  },
  {
    rule: 'Values outside the range represented by IEE754 binary64 cause the powerlevel event to be rejected, as do Infinity, -Infinity …',
    allows: (version) => [levels(room(version), { ban: 1e300, events: { 'm.any': -1e300 }, notifications: { room: 'all' } })],
    refuses: (version) => [
      'ban is out of range',
      [levels(room(version), { ban: Number.NEGATIVE_INFINITY }), levels(room(version), { ban: parseLossless('1e400') })],
    ],
  },
  {
    rule: 'Values outside the range … (of an event type)',
    allows: (version) => [levels(room(version), { events: { 'm.any': 2n ** 64n } })],
    refuses: (version) => ['events holds a level that is out of range', [levels(room(version), { events: { 'm.any': 10n ** 309n } })]],
  },
  {
    rule: '10.3 … check if they were added, changed or removed. (levels that are no numbers at all are let stand, and count as unset)',
    allows: (version) => [levels(withBob(version).levels({ ban: 'many', users: { [bob]: 50 } }), { ban: {}, users: { [bob]: 50 } }, bob)],
    refuses: (version) => [
      'the sender has not the power to change ban',
      [levels(withBob(version).levels({ users: { [bob]: 50 } }), { ban: '51', users: { [bob]: 50 } }, bob)],
    ],
  },
  {
    rule: '10.5 For each entry being added to, or changed in, the events property: … (and of notifications nothing is said)',
    allows: (version) => [
      levels(withBob(version).levels({ users: { [bob]: 50 } }), { users: { [bob]: 50 }, notifications: { room: 100 } }, bob),
    ],
    refuses: (version) => [
      'the sender has not the power to change events of m.any',
      [levels(withBob(version).levels({ users: { [bob]: 50 } }), { users: { [bob]: 50 }, events: { 'm.any': 100 } }, bob)],
    ],
  },
  {
    rule: '11.1 If the sender’s power level is greater than or equal to the redact level, allow.',
    versions: ['1', '2'],
    allows: (version) => [
      withBob(version)
        .levels({ redact: 30, users: { [bob]: 30 } })
        .judge(redaction('$1:a.test')),
    ],
    refuses: (version) => [
      'the sender may not redact this event',
      [
        withBob(version)
          .levels({ redact: 30, users: { [bob]: 29 } })
          .judge(redaction('$1:a.test')),
      ],
    ],
  },
  {
    rule: '11.2 If the domain of the event_id of the event being redacted is the same as the domain of the event_id of the m.room.redaction, allow.',
    versions: ['1', '2'],
    allows: (version) => [
      withBob(version).judge(redaction('$1:b.test')),
      withBob(version).judge({ ...redaction('$1:a.test'), event_id: '$2:a.test' }),
    ],
    refuses: (version) => [
      'the sender may not redact this event',
      ['$1:a.test', '$1', '$1:b.test:80', undefined].map((redacts) =>
        withBob(version).judge({ ...redaction('$'), redacts: redacts as `$${string}` }),
      ),
    ],
  },
  {
    rule: '11 (until version 2, and no rule since) … the redact level is not considered by the auth rules, that of the type is.',
    versions: ['3', '4', '5'],
    allows: (version) => [withBob(version).judge(redaction('$1'))],
    refuses: (version) => [
      'the sender has not the power to send m.room.redaction',
      [
        withBob(version)
          .levels({ events: { 'm.room.redaction': 1 } })
          .judge(redaction('$1')),
      ],
    ],
  },
]

describe('the rules of room versions 1 to 5', () => {
  for (const { rule, versions: only = versions, allows, refuses } of cases) {
    it(`hold in ${only.join(', ')}: ${rule}`, () => {
      for (const version of only) {
        for (const verdict of allows(version)) expectAllowed(verdict)
        const [reason, verdicts] = refuses(version)
        for (const verdict of verdicts) expectRefused(verdict, reason)
      }
    })
  }

  it('cite neither join rules for a knock nor a user who authorises a join', () => {
    for (const version of versions) {
      const cited = (content: JsonObject) =>
        selectAuthEvents({ type: 'm.room.member', sender: carol, state_key: carol, content }, room(version).rules).map(([, key]) => key)
      expect(cited({ membership: 'knock' })).to.deep.equal(['', '', carol])
      expect(cited({ membership: 'join', join_authorised_via_users_server: bob })).to.deep.equal(['', '', carol, ''])
    }
  })
})
