import { expect } from 'chai'
import { randomNumbers } from '../support/random-json.ts'
import { type Body, engines, startServer, type TestServer, type TestUser } from '../support/server.ts'

const visibilities = ['world_readable', 'shared', 'invited', 'joined'] as const
type Visibility = (typeof visibilities)[number]
type Membership = 'join' | 'invite' | 'leave' | 'ban' | undefined
type Said = { readonly eventId: string; readonly visibility: Visibility; readonly membership: Membership; readonly at: number }

/** What happened in a room as its reader's story has it, kept beside the server: who may read follows from this alone. */
type Story = {
  visibility: Visibility
  membership: Membership
  readonly joins: number[]
  readonly said: Said[]
  topic: string
  leftTopic: string
}

/** https://spec.matrix.org/v1.19/client-server-api/#server-behaviour-5 */
function mayRead({ joins }: Story, { visibility, membership, at }: Said): boolean {
  if (visibility === 'world_readable' || membership === 'join') return true
  if (visibility === 'shared') return joins.some((join) => join > at)
  return visibility === 'invited' && membership === 'invite'
}

for (const engine of engines) {
  describe(`Histories (${engine})`, () => {
    let server: TestServer
    let alice: TestUser

    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
      alice = await server.register('alice')
    })
    after(() => server?.close())

    /** One thing that happens, and what the story makes of it when the server grants it. */
    async function step(story: Story, room: string, reader: TestUser, choice: number, at: number): Promise<void> {
      const granted = async (asked: Promise<{ status: number }>) => (await asked).status === 200
      const user_id = reader.userId
      if (choice < 4) {
        const { body } = await alice.put(`${room}/send/m.room.message/${at}`, { body: `said ${at}` })
        story.said.push({ eventId: body.event_id, visibility: story.visibility, membership: story.membership, at })
      } else if (choice < 6) {
        const next = visibilities[(at + choice) % 4]!
        if (await granted(alice.put(`${room}/state/m.room.history_visibility`, { history_visibility: next }))) story.visibility = next
      } else if (choice === 6) {
        if (await granted(alice.put(`${room}/state/m.room.topic`, { topic: `topic ${at}` }))) story.topic = `topic ${at}`
      } else if (choice < 9) {
        if ((await granted(reader.post(`${room}/join`))) && story.membership !== 'join') {
          story.membership = 'join'
          story.joins.push(at)
        }
      } else if (choice === 9) {
        if ((await granted(alice.post(`${room}/invite`, { user_id }))) && story.membership !== 'join') story.membership = 'invite'
      } else {
        const was = story.membership
        const left = choice === 10 ? reader.post(`${room}/leave`) : alice.post(`${room}/${choice === 11 ? 'ban' : 'unban'}`, { user_id })
        if (!(await granted(left))) return
        story.membership = choice === 11 ? 'ban' : 'leave'
        if (was === 'join') story.leftTopic = story.topic
      }
    }

    it('show each reader on every path what they may see, and nothing more, whatever happened to room and membership', async () => {
      const random = randomNumbers(20)
      for (let round = 0; round < 16; round++) {
        const reader = await server.register(`reader${round}`)
        const { room_id: roomId } = (await alice.post('/createRoom', { preset: 'public_chat' })).body
        const room = `/rooms/${encodeURIComponent(roomId)}`
        const story: Story = { visibility: 'shared', membership: undefined, joins: [], said: [], topic: '', leftTopic: '' }
        const { next_batch: since } = (await reader.get('/sync')).body
        for (let at = 0; at < 24; at++) await step(story, room, reader, Math.floor(random() * 13), at)
        await check(story, roomId, reader, since)
      }
    })

    async function check(story: Story, roomId: string, reader: TestUser, since: string): Promise<void> {
      const room = `/rooms/${encodeURIComponent(roomId)}`
      const readable = story.said.filter((one) => mayRead(story, one)).map(({ eventId }) => eventId)
      const words = JSON.stringify(story)
      const messagesOf = (events: Body[]) => events.filter(({ type }) => type === 'm.room.message').map((event) => event.event_id)
      const byId: string[] = []
      for (const { eventId } of story.said) {
        if ((await reader.get(`${room}/event/${eventId}`)).status === 200) byId.push(eventId)
        const { status, body } = await reader.get(`${room}/context/${eventId}`, { query: { limit: '6' } })
        expect(status === 200, words).to.equal(readable.includes(eventId))
        if (status === 200) expect(readable, words).to.include.members(messagesOf([...body.events_before, ...body.events_after]))
      }
      expect(byId, words).to.deep.equal(readable)
      const messages = await reader.get(`${room}/messages`, { query: { dir: 'f', limit: '100' } })
      if (story.membership !== undefined) expect(messagesOf(messages.body.chunk), words).to.deep.equal(readable)
      const filter = JSON.stringify({ room: { include_leave: true, timeline: { limit: 100 } } })
      for (const query of [{ filter }, { filter, since }, { since }]) {
        const { join, leave, invite } = (await reader.get('/sync', { query: query as Record<string, string> })).body.rooms ?? {}
        const told = join?.[roomId] ?? leave?.[roomId]
        expect(readable, words).to.include.members(messagesOf(told?.timeline.events ?? []))
        if (story.membership === 'join') expect(told.timeline.events.length + told.state.events.length, words).to.be.greaterThan(0)
        if (story.membership === 'invite') expect(invite, words).to.have.property(roomId)
      }
      if (story.membership === 'join' || story.visibility === 'world_readable') return
      const topic = (await reader.get(`${room}/state/m.room.topic`)).body.topic ?? ''
      expect(topic, words).to.equal(story.leftTopic)
    }
  })
}
