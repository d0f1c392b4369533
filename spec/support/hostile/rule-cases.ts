import type { EventId, RoomId, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { UnsignedPdu } from '../../../server/core/pdu.ts'
import type { PeerMember } from '../peers/peer-room.ts'
import type { TestUser } from '../server.ts'

export type Wish = Partial<UnsignedPdu> & { readonly type: string }
export type Scene = {
  readonly version: string
  readonly roomId: RoomId
  readonly member: PeerMember
  readonly alice: TestUser
  /** The id of what stands in the room. */
  readonly id: (type: string, stateKey?: string) => EventId
  readonly elsewhere: { readonly create: EventId; readonly levels: EventId; readonly join: EventId; readonly message: EventId }
}
/** An event of somebody without power, or with as much as `levels` say, and whether it is one. */
export type Case = {
  readonly words: string
  readonly wish: (scene: Scene) => Wish
  readonly isTaken: boolean | ((version: string) => boolean)
  readonly levels?: (userId: UserId) => JsonObject
  readonly joinRule?: string
}

export const message = { type: 'm.room.message', content: { msgtype: 'm.text', body: 'canary' } }
export const topic = { type: 'm.room.topic', state_key: '', content: { topic: 'canary' } }
export const member = (state_key: string, membership: string, more: JsonObject = {}): Wish => ({
  type: 'm.room.member',
  state_key,
  content: { membership, ...more },
})
export const levelsOf = (content: JsonObject): Wish => ({ type: 'm.room.power_levels', state_key: '', content })
const before10 = (version: string) => Number(version) < 10
const before12 = (version: string) => Number(version) < 12
/** What somebody cites who cites in the right way, and something more. */
export const citing = ({ version, id, member: { joinId } }: Scene, ...more: EventId[]) => ({
  auth_events: [...(version === '12' ? [] : [id('m.room.create')]), id('m.room.power_levels'), joinId, ...more],
})

/** Events that a user of another server sends to a room of ours. */
export const cases: readonly Case[] = [
  { words: 'a message by a member', wish: () => message, isTaken: true },
  {
    words: 'a message where the level for it is 0 in so many words',
    wish: () => message,
    isTaken: true,
    levels: () => ({ events_default: 0, users_default: 0 }),
  },
  { words: 'a message where the level for it is 1', wish: () => message, isTaken: false, levels: () => ({ events_default: 1 }) },
  {
    words: 'a message where its type has a level',
    wish: () => message,
    isTaken: false,
    levels: () => ({ events: { 'm.room.message': 1 } }),
  },
  { words: 'a topic by a member', wish: () => topic, isTaken: false },
  { words: 'a topic where the level for state is 0', wish: () => topic, isTaken: true, levels: () => ({ state_default: 0 }) },
  { words: 'a topic by who has 50', wish: () => topic, isTaken: true, levels: (userId) => ({ users: { [userId]: 50 } }) },
  { words: 'a topic by who has 49', wish: () => topic, isTaken: false, levels: (userId) => ({ users: { [userId]: 49 } }) },
  {
    words: 'an event with the sender’s own state key',
    wish: ({ member: { userId } }) => ({ type: 'own', state_key: userId }),
    isTaken: true,
    levels: () => ({ state_default: 0 }),
  },
  {
    words: 'an event with the state key of another user',
    wish: ({ alice }) => ({ type: 'own', state_key: alice.userId }),
    isTaken: false,
    levels: () => ({ state_default: 0 }),
  },
  { words: 'an event that cites nothing', wish: () => ({ ...message, auth_events: [] }), isTaken: false },
  {
    words: 'an event that cites its own join alone',
    wish: ({ member: { joinId } }) => ({ ...message, auth_events: [joinId] }),
    isTaken: (version) => version === '12',
  },
  { words: 'an event that cites one twice', wish: (scene) => ({ ...message, ...citing(scene, scene.member.joinId) }), isTaken: false },
  {
    words: 'an event that cites what has no say',
    wish: (scene) => ({ ...message, ...citing(scene, scene.id('m.room.join_rules')) }),
    isTaken: false,
  },
  {
    words: 'an event that cites a bystander',
    wish: (scene) => ({ ...message, ...citing(scene, scene.id('m.room.member', scene.alice.userId)) }),
    isTaken: false,
  },
  {
    words: 'an event that cites the create event',
    wish: (scene) => ({ ...message, auth_events: [scene.id('m.room.create'), scene.id('m.room.power_levels'), scene.member.joinId] }),
    isTaken: before12,
  },
  {
    words: 'an event that cites power levels of another room',
    wish: (scene) => ({
      ...message,
      auth_events: [...(scene.version === '12' ? [] : [scene.id('m.room.create')]), scene.elsewhere.levels, scene.member.joinId],
    }),
    isTaken: false,
  },
  {
    words: 'an event that cites a join in another room',
    wish: (scene) => ({
      ...message,
      auth_events: [...(scene.version === '12' ? [] : [scene.id('m.room.create')]), scene.id('m.room.power_levels'), scene.elsewhere.join],
    }),
    isTaken: false,
  },
  {
    words: 'an event that cites the beginning of another room',
    wish: (scene) => ({ ...message, auth_events: [scene.elsewhere.create, scene.id('m.room.power_levels'), scene.member.joinId] }),
    isTaken: false,
  },
  { words: 'an event that cites a message', wish: (scene) => ({ ...message, ...citing(scene, scene.elsewhere.message) }), isTaken: false },
  { words: 'an event that cites one that nobody has', wish: (scene) => ({ ...message, ...citing(scene, '$nothing') }), isTaken: false },
  {
    words: 'an event of who is not in the room',
    wish: ({ member: { userId } }) => ({ ...message, sender: userId.replace('@', '@not') as UserId }),
    isTaken: false,
  },
  { words: 'a join for somebody else', wish: ({ alice }) => member(alice.userId, 'join'), isTaken: false },
  { words: 'a join for what is no user', wish: () => member('nobody', 'join'), isTaken: false },
  { words: 'a membership that there is not', wish: ({ member: { userId } }) => member(userId, 'rejoice'), isTaken: false },
  {
    words: 'a membership without one',
    wish: ({ member: { userId } }) => ({ type: 'm.room.member', state_key: userId, content: {} }),
    isTaken: false,
  },
  {
    words: 'a membership that is a list',
    wish: ({ member: { userId } }) => ({ type: 'm.room.member', state_key: userId, content: { membership: ['join'] } }),
    isTaken: false,
  },
  { words: 'a kick by who may not', wish: ({ alice }) => member(alice.userId, 'leave'), isTaken: false },
  { words: 'a ban by who may not', wish: ({ alice }) => member(alice.userId, 'ban'), isTaken: false },
  {
    words: 'a ban by who has as much as the banned',
    wish: ({ alice }) => member(alice.userId, 'ban'),
    isTaken: false,
    levels: (userId) => ({ users: { [userId]: 100 } }),
  },
  {
    words: 'an invitation where anybody may',
    wish: () => member('@somebody:hs.test', 'invite'),
    isTaken: true,
    levels: () => ({ invite: 0 }),
  },
  {
    words: 'an invitation where nobody may',
    wish: () => member('@somebody:hs.test', 'invite'),
    isTaken: false,
    levels: () => ({ invite: 50 }),
  },
  { words: 'an invitation of who is in the room', wish: ({ alice }) => member(alice.userId, 'invite'), isTaken: false },
  {
    words: 'an invitation by a promise that there was not',
    wish: () =>
      member('@somebody:hs.test', 'invite', { third_party_invite: { signed: { mxid: '@somebody:hs.test', token: 't', signatures: {} } } }),
    isTaken: false,
  },
  { words: 'a knock of who is in the room', wish: ({ member: { userId } }) => member(userId, 'knock'), isTaken: false, joinRule: 'knock' },
  { words: 'power for oneself', wish: ({ member: { userId } }) => levelsOf({ users: { [userId]: 100 } }), isTaken: false },
  {
    words: 'more power than one has',
    wish: ({ member: { userId } }) => levelsOf({ users: { [userId]: 60 } }),
    isTaken: false,
    levels: (userId) => ({ users: { [userId]: 50 } }),
  },
  {
    words: 'power levels under which the creator is no more',
    wish: ({ member: { userId } }) => levelsOf({ users: { [userId]: 50 } }),
    isTaken: (version) => version === '12',
    levels: (userId) => ({ users: { [userId]: 50 }, events: { 'm.room.power_levels': 50 } }),
  },
  {
    words: 'power levels that name the creator',
    wish: ({ member: { userId }, alice }) => levelsOf({ users: { [userId]: 50, [alice.userId]: 100 } }),
    isTaken: before12,
    levels: (userId) => ({ users: { [userId]: 50 }, events: { 'm.room.power_levels': 50 } }),
  },
  {
    words: 'power levels in words',
    wish: ({ member: { userId }, alice }) => levelsOf({ users: { [userId]: '50', [alice.userId]: '100' } }),
    isTaken: before10,
    levels: (userId) => ({ users: { [userId]: 50 }, events: { 'm.room.power_levels': 50 } }),
  },
  {
    words: 'power levels that are a list',
    wish: () => levelsOf({ users: [] }),
    isTaken: false,
    levels: (userId) => ({ users: { [userId]: 100 } }),
  },
  {
    words: 'power for what is no user',
    wish: ({ member: { userId } }) => levelsOf({ users: { [userId]: 100, nobody: 1 } }),
    isTaken: false,
    levels: (userId) => ({ users: { [userId]: 100 } }),
  },
  {
    words: 'a second beginning',
    wish: () => ({ type: 'm.room.create', state_key: '', content: { creator: 'x' }, auth_events: [] }),
    isTaken: false,
    levels: (userId) => ({ users: { [userId]: 100 } }),
  },
  {
    words: 'a second beginning that stands on nothing',
    wish: () => ({ type: 'm.room.create', state_key: '', content: { creator: 'x' }, auth_events: [], prev_events: [] }),
    isTaken: false,
    levels: (userId) => ({ users: { [userId]: 100 } }),
  },
  { words: 'a message that stands on nothing', wish: () => ({ ...message, prev_events: [] }), isTaken: false },
  {
    words: 'a message that stands on another room',
    wish: ({ elsewhere }) => ({ ...message, prev_events: [elsewhere.message] }),
    isTaken: false,
  },
  { words: 'a message of another room', wish: () => ({ ...message, room_id: '!another:hs.test' }), isTaken: false },
  {
    words: 'a third-party invite by who may not invite',
    wish: () => ({ type: 'm.room.third_party_invite', state_key: 't', content: {} }),
    isTaken: false,
    levels: () => ({ invite: 50, state_default: 0 }),
  },
]
