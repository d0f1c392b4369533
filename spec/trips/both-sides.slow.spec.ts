import { expect } from 'chai'
import type { JsonObject } from '../../server/core/json.ts'
import type { Told } from '../support/both-sides/told.ts'
import { differsFor } from '../support/both-sides/twice.ts'
import { follow, lookAt } from '../support/both-sides/views.ts'
import { type Neighbours, startNeighbours } from '../support/federation.ts'
import type { TestServer, TestUser } from '../support/server.ts'

let count = 0

/** What can be done in a room; everybody hears of each before the next. */
function doingIn(told: Told, room: string) {
  const at = `/rooms/${room}`
  const done = async (answer: ReturnType<TestUser['get']>): Promise<string> => {
    const { status, body, text } = await answer
    if (status !== 200) throw new Error(`${status} ${text}`)
    await told.settled(room)
    return body.event_id
  }
  const membership = async (user: TestUser) => (await user.get(`${at}/state/m.room.member/${told.visitor.userId}`)).body.membership
  const becomes = (what: string) => told.until(async () => (await membership(told.host)) === what, `the visitor's ${what}`)
  const isIn = async () => (await told.visitor.get('/joined_rooms')).body.joined_rooms.includes(room)
  return {
    say: (user: TestUser, body: string, more: JsonObject = {}) =>
      done(user.put(`${at}/send/m.room.message/${count++}`, { msgtype: 'm.text', body, ...more })),
    react: (user: TestUser, to: string) =>
      done(user.put(`${at}/send/m.reaction/${count++}`, { 'm.relates_to': { rel_type: 'm.annotation', event_id: to, key: '👍' } })),
    set: (user: TestUser, type: string, content: JsonObject) => done(user.put(`${at}/state/${type}/`, content)),
    redact: (user: TestUser, id: string) => done(user.put(`${at}/redact/${id}/${count++}`)),
    read: (user: TestUser, id: string) => done(user.post(`${at}/receipt/m.read/${id}`)),
    join: async () => {
      await done(told.visitor.post(`/join/${room}?via=${told.home.server.home.serverName}`))
      await becomes('join')
      await told.settled(room)
    },
    leave: async () => {
      await done(told.visitor.post(`${at}/leave`, { reason: 'bye' }))
      await becomes('leave')
    },
    invite: async () => {
      await done(told.host.post(`${at}/invite`, { user_id: told.visitor.userId }))
      const shown = async () => (await told.visitor.get('/sync')).body.rooms?.invite?.[room] !== undefined
      await told.until(shown, 'the invitation')
    },
    putOut: async (how: 'kick' | 'ban') => {
      await done(told.host.post(`${at}/${how}`, { user_id: told.visitor.userId, reason: 'out' }))
      await told.until(async () => !(await isIn()), how)
    },
  }
}

async function roomOf({ host, rooms }: Told, visibility: string, joinRule: string): Promise<string> {
  const state = [
    { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: visibility } },
    { type: 'm.room.join_rules', state_key: '', content: { join_rule: joinRule } },
  ]
  const { body } = await host.post('/createRoom', { preset: 'private_chat', name: 'Ours', initial_state: state })
  rooms.push(body.room_id)
  return body.room_id
}

const within = (root: string) => ({ 'm.relates_to': { rel_type: 'm.thread', event_id: root } })
const edited = (id: string) => ({
  'm.new_content': { msgtype: 'm.text', body: 'new' },
  'm.relates_to': { rel_type: 'm.replace', event_id: id },
})

/** What is said before and after somebody comes, about each other. */
async function talk(told: Told): Promise<void> {
  const { host, visitor } = told
  const room = await roomOf(told, 'shared', 'public')
  const { say, react, set, redact, read, join } = doingIn(told, room)
  const next = follow(visitor)
  const early = [await say(host, 'one'), await say(host, 'two'), await say(host, 'three'), await say(host, 'four')] as const
  await say(host, 'new', edited(early[0]))
  await say(host, 'in a thread', within(early[1]))
  await react(host, early[2])
  await redact(host, early[3])
  await set(host, 'm.room.topic', { topic: 'before' })
  await join()
  await next(told, room, 'joined')
  const root = await say(host, 'a root')
  const reply = await say(visitor, 'an answer', within(root))
  await say(host, 'another', { ...within(root), 'm.mentions': { user_ids: [visitor.userId] } })
  await say(visitor, 'late', within(early[2]))
  await next(told, room, 'threads')
  await say(visitor, 'new', edited(reply))
  await react(host, reply)
  await redact(host, await say(host, 'to be taken back'))
  await set(host, 'm.room.pinned_events', { pinned: [root] })
  await say(host, 'to all', { 'm.mentions': { room: true } })
  await next(told, room, 'relations')
  await read(visitor, root)
  await next(told, room, 'read')
  await lookAt(told, room, [...early, root, reply], 'at last')
}

/** Coming, going, being put out, and coming back. */
function visits(visibility: string, joinRule: string) {
  return async (told: Told): Promise<void> => {
    const { host, visitor } = told
    const room = await roomOf(told, visibility, joinRule)
    const { say, set, join, leave, invite, putOut } = doingIn(told, room)
    const next = follow(visitor)
    const come = async () => {
      if (joinRule !== 'public') await invite()
      await join()
    }
    const said = [await say(host, 'before')]
    await come()
    await next(told, room, 'joined')
    said.push(await say(host, 'together'), await say(visitor, 'an answer'))
    await next(told, room, 'together')
    // Who has left a room is given no more of its history by other servers.
    await lookAt(told, room, said, 'together')
    await leave()
    said.push(await say(host, 'away'))
    await set(host, 'm.room.topic', { topic: 'while away' })
    await next(told, room, 'left')
    await lookAt(told, room, said, 'left')
    if (joinRule !== 'public') {
      await invite()
      await lookAt(told, room, said, 'invited again')
    }
    await join()
    said.push(await say(host, 'again'))
    await next(told, room, 'back')
    await lookAt(told, room, said, 'back')
    await putOut('kick')
    said.push(await say(host, 'kicked'))
    await next(told, room, 'kicked')
    await come()
    await lookAt(told, room, said, 'back once more')
    await putOut('ban')
    await next(told, room, 'banned')
    await lookAt(told, room, said, 'banned')
  }
}

/** What may differ, and why. */
const explained: readonly RegExp[] = [
  // An invitation to a room that a server is not in is no part of what it has of the room.
  /^invited again: the last event/,
  /^invited again: (backwards|forwards).* only (at home|away) .*"state_key":"@visitor"/,
]

describe('A room looks the same from both sides', () => {
  let neighbours: Neighbours

  before(async () => {
    neighbours = (await startNeighbours(2)) as Neighbours
  })

  after(() => neighbours.close())

  const stories = {
    'to who comes into the midst of a talk': talk,
    'to who comes and goes in a public room': visits('shared', 'public'),
    'to who is invited, and sees what they were there for': visits('joined', 'invite'),
  }
  for (const [name, story] of Object.entries(stories)) {
    it(name, async () => {
      const [home, away] = neighbours.servers as [TestServer, TestServer]
      const found = await differsFor(home, away, `${count++}`, story)
      expect(found.filter((line) => !explained.some((why) => why.test(line)))).to.deep.equal([])
    })
  }
})
