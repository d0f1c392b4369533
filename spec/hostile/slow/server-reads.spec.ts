import { expect } from 'chai'
import type { EventId, RoomId, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { forEachScene, idsOf, isWhole } from '../../support/peers/asked-by-peers.ts'
import { setMembership } from '../../support/peers/joined-peer.ts'
import { randomNumbers } from '../../support/random-json.ts'
import type { Answered, Body } from '../../support/server.ts'

const visibilities = ['world_readable', 'shared', 'invited', 'joined'] as const
type Visibility = (typeof visibilities)[number]
type Said = { readonly eventId: EventId; readonly visibility: Visibility; readonly memberships: readonly string[] }
type Shown = 'whole' | 'redacted' | 'nothing'

/** What happened in a room as the story has it, kept beside the server: what the server of these users may read follows from this alone. */
type Story = {
  readonly roomId: RoomId
  readonly users: readonly UserId[]
  readonly memberships: Map<UserId, string>
  readonly said: Said[]
  visibility: Visibility
}

/** https://spec.matrix.org/v1.19/client-server-api/#server-behaviour-5, for whoever of the server's users may read most. */
function mayShow({ memberships }: Story, said: Said): Shown {
  const isInRoom = [...memberships.values()].includes('join')
  const isOpen = said.visibility === 'world_readable' || said.memberships.includes('join')
  const isOpenToMembers = said.visibility === 'shared' || (said.visibility === 'invited' && said.memberships.includes('invite'))
  if (isOpen || (isInRoom && isOpenToMembers)) return 'whole'
  return isInRoom ? 'redacted' : 'nothing'
}

forEachScene('Histories as another server reads them', (scene) => {
  const get = (path: string) => scene.near.ask(scene.server, 'GET', `/_matrix/federation/v1/${path}`)
  const post = (path: string, content: JsonObject) => scene.near.ask(scene.server, 'POST', `/_matrix/federation/v1/${path}`, content)
  const inQuery = (name: string, ids: readonly EventId[]) => ids.map((eventId) => `${name}=${encodeURIComponent(eventId)}`).join('&')
  const shownOf = (pdu: Body): Shown => (isWhole(pdu) ? 'whole' : 'redacted')

  async function step(story: Story, choice: number, at: number): Promise<void> {
    const { roomId, memberships } = story
    const userId = story.users[at % 2]!
    const name = userId.slice(1, userId.indexOf(':'))
    const granted = async (asked: Promise<unknown>) =>
      asked.then(
        (answer) => (answer as Partial<Answered>)?.status !== 403,
        () => false,
      )
    if (choice < 5) {
      const eventId = await scene.say(roomId, `canary ${at}`)
      story.said.push({ eventId, visibility: story.visibility, memberships: [...memberships.values()] })
    } else if (choice < 7) {
      story.visibility = visibilities[(at + choice) % 4]!
      await scene.set(roomId, 'm.room.history_visibility', { history_visibility: story.visibility })
    } else if (choice < 9) {
      if (await granted(setMembership(scene.server, scene.near, roomId, 'join', name))) memberships.set(userId, 'join')
    } else if (choice === 9) {
      const content = { membership: 'invite' }
      const invite = { type: 'm.room.member', stateKey: userId, sender: scene.alice.userId, content }
      if (await granted(scene.server.server.graph.append(roomId, [invite]))) memberships.set(userId, 'invite')
    } else if (choice === 10) {
      if (await granted(setMembership(scene.server, scene.near, roomId, 'leave', name))) memberships.set(userId, 'leave')
    } else {
      const what = choice === 11 ? 'ban' : 'unban'
      if (await granted(scene.alice.post(`/rooms/${roomId}/${what}`, { user_id: userId })))
        memberships.set(userId, what === 'ban' ? what : 'leave')
    }
  }

  async function check(story: Story): Promise<void> {
    const { roomId, said, memberships } = story
    const words = JSON.stringify({ ...story, memberships: [...memberships] })
    const expected = new Map(said.map((one) => [one.eventId, mayShow(story, one)]))
    for (const [eventId, shown] of expected) {
      const { status, body } = await get(`event/${encodeURIComponent(eventId)}`)
      expect(status === 200 ? shownOf(body.pdus[0]) : 'nothing', words).to.equal(shown)
    }
    const ids = said.map(({ eventId }) => eventId)
    const isInRoom = [...memberships.values()].includes('join')
    const last = ids.slice(-1)
    const pages = [
      await get(`backfill/${roomId}?limit=100&${inQuery('v', ids)}`),
      await post(`get_missing_events/${roomId}`, { earliest_events: [], latest_events: last, limit: 20 }),
    ]
    for (const { status, body } of pages) {
      expect(status, words).to.equal(isInRoom ? 200 : 403)
      const pdus: Body[] = body.pdus ?? body.events ?? []
      for (const [at, eventId] of idsOf(pdus as never).entries()) {
        if (expected.has(eventId)) expect(shownOf(pdus[at]), words).to.equal(expected.get(eventId))
      }
    }
    if (isInRoom) expect(idsOf(pages[0]!.body.pdus), words).to.include.members(ids)
    const moment = await get(`timestamp_to_event/${roomId}?ts=${Date.now() + 1000}&dir=b`)
    if (isInRoom && expected.has(moment.body.event_id)) expect(expected.get(moment.body.event_id), words).to.equal('whole')
    for (const path of ['state', 'state_ids']) {
      const { status, text } = await get(`${path}/${roomId}?${inQuery('event_id', last)}`)
      expect([status, text.includes('canary')], words).to.deep.equal([isInRoom ? 200 : 403, false])
    }
  }

  it('show on every path what its users may see, and nothing more, whatever happened to room and memberships', async () => {
    const random = randomNumbers(27)
    for (let round = 0; round < 12; round++) {
      const users = ['bob', 'carol'].map((name): UserId => `@${name}:${scene.near.serverName}`)
      const story: Story = { roomId: await scene.makeRoom(), users, memberships: new Map(), said: [], visibility: 'shared' }
      for (let at = 0; at < 24; at++) await step(story, Math.floor(random() * 13), at)
      await step(story, 0, 24)
      await check(story)
    }
  })

  it('hold nothing of a room that it is not in, whatever it asks for in one that it is in', async () => {
    const mine = await scene.makeRoom()
    await setMembership(scene.server, scene.near, mine, 'join')
    const own = await scene.say(mine, 'mine')
    const secret: RoomId = (await scene.alice.post('/createRoom', { preset: 'private_chat', name: 'canary' })).body.room_id
    const hidden = [await scene.say(secret, 'canary'), await scene.set(secret, 'm.room.topic', { topic: 'canary' })]
    for (const type of ['m.room.create', 'm.room.name', 'm.room.power_levels']) hidden.push(await scene.standing(secret, type))
    const answers: Answered[] = []
    for (const roomId of [mine, secret]) {
      answers.push(await get(`backfill/${roomId}?limit=100&${inQuery('v', [...hidden, own])}`))
      answers.push(await post(`get_missing_events/${roomId}`, { earliest_events: [], latest_events: [own, ...hidden] }))
      answers.push(await post(`get_missing_events/${roomId}`, { earliest_events: hidden, latest_events: hidden, min_depth: 0 }))
      answers.push(await get(`timestamp_to_event/${roomId}?ts=0&dir=f`), await get(`hierarchy/${roomId}`))
      for (const eventId of hidden) {
        answers.push(await get(`event/${encodeURIComponent(eventId)}`), await get(`event_auth/${roomId}/${encodeURIComponent(eventId)}`))
        for (const path of ['state', 'state_ids']) answers.push(await get(`${path}/${roomId}?${inQuery('event_id', [eventId])}`))
      }
    }
    for (const { text } of answers) {
      expect(text).to.not.include('canary')
      expect(text).to.not.include(secret)
      for (const eventId of hidden) expect(text).to.not.include(eventId)
    }
    expect(answers.filter(({ status }) => status === 200).length).to.be.greaterThan(3)
    expect(answers.filter(({ status }) => ![200, 403, 404].includes(status))).to.deep.equal([])
  })

  it('are not told of by an event that cites another room', async () => {
    const mine = await scene.makeRoom()
    const bob = await setMembership(scene.server, scene.near, mine, 'join')
    const secret: RoomId = (await scene.alice.post('/createRoom', { preset: 'private_chat' })).body.room_id
    const hidden = await scene.say(secret, 'canary')
    const [levels, joined] = [await scene.standing(mine, 'm.room.power_levels'), await scene.standing(mine, 'm.room.member', bob)]
    const message = { room_id: mine, sender: bob, type: 'm.room.message', content: {}, depth: 30, origin_server_ts: Date.now() }
    const { graph } = scene.server.server
    const { rules, extremities } = (await graph.room(mine))!
    for (const cites of [
      { prev_events: [hidden], auth_events: [levels, joined] },
      { prev_events: [...extremities, hidden], auth_events: [levels, joined] },
      { prev_events: [...extremities], auth_events: [levels, joined, hidden] },
    ]) {
      const { pdu, eventId } = scene.near.sign({ ...message, ...cites }, rules)
      await graph.receive(scene.near.serverName, mine, [pdu as unknown as JsonObject])
      const answers = [
        await get(`backfill/${mine}?limit=100&${inQuery('v', [eventId])}`),
        await post(`get_missing_events/${mine}`, { earliest_events: [], latest_events: [eventId] }),
        await get(`event_auth/${mine}/${encodeURIComponent(eventId)}`),
        await get(`state/${mine}?${inQuery('event_id', [eventId])}`),
        await get(`state_ids/${mine}?${inQuery('event_id', [eventId])}`),
      ]
      for (const { text } of answers) {
        expect(text).to.not.include('canary')
        expect(text).to.not.include(secret)
      }
    }
    expect(await scene.say(mine, 'still alive')).to.be.a('string')
  })
})
