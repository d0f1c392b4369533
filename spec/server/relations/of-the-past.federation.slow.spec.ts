import { expect } from 'chai'
import { type Neighbours, startNeighbours } from '../../support/federation.ts'
import type { Body, TestServer, TestUser } from '../../support/server.ts'

describe('What relates to events that were sent before this server followed the room', () => {
  let neighbours: Neighbours
  let alice: TestUser
  let bob: TestUser
  let room: string
  let count = 0

  before(async () => {
    neighbours = (await startNeighbours(2)) as Neighbours
    const [one, two] = neighbours.servers as [TestServer, TestServer]
    alice = await one.register('alice')
    bob = await two.register('bob')
    room = (await alice.post('/createRoom', { preset: 'public_chat', room_version: '11' })).body.room_id
  })

  after(() => neighbours.close())

  const say = async (content: object): Promise<string> => {
    const { body } = await alice.put(`/rooms/${room}/send/m.room.message/${count++}`, { msgtype: 'm.text', body: 'a word', ...content })
    return body.event_id
  }
  const within = (root: string) => ({ 'm.relates_to': { rel_type: 'm.thread', event_id: root } })
  const threads = async (user: TestUser, limit: number) => {
    const found: string[] = []
    for (let from = ''; ; ) {
      const query: Record<string, string> = from === '' ? { limit: `${limit}` } : { limit: `${limit}`, from }
      const { body } = await user.get(`/_matrix/client/v1/rooms/${room}/threads`, { query })
      found.push(...body.chunk.map(({ event_id }: Body) => event_id))
      if (body.next_batch === undefined) return found
      from = body.next_batch
    }
  }

  it('is told with them, as on the server that they were sent on', async () => {
    const [edited, first, second, third, ended] = [await say({}), await say({}), await say({}), await say({}), await say({})]
    const edit = await say({
      'm.new_content': { msgtype: 'm.text', body: 'new' },
      'm.relates_to': { rel_type: 'm.replace', event_id: edited },
    })
    await say(within(second))
    await say(within(first))
    const last = await say(within(ended))
    const taken = await say(within(first))
    await alice.put(`/rooms/${room}/redact/${last}/${count++}`)
    await alice.put(`/rooms/${room}/redact/${taken}/${count++}`)
    await bob.post(`/join/${room}?via=${alice.userId.slice(alice.userId.indexOf(':') + 1)}`, {})
    expect(await threads(bob, 20)).to.deep.equal([])
    await bob.get(`/rooms/${room}/messages?dir=b&limit=100`)

    const seen = (await bob.get(`/rooms/${room}/event/${edited}`)).body.unsigned['m.relations']
    expect(seen['m.replace'].event_id).to.equal(edit)
    expect((await bob.get(`/_matrix/client/v1/rooms/${room}/relations/${first}`)).body.chunk).to.have.length(1)
    expect(await threads(bob, 1), 'page by page').to.deep.equal([first, second])
    expect(await threads(alice, 1)).to.deep.equal([first, second])

    await say(within(third))
    const news = await say(within(second))
    await untilSeen(bob, news)
    expect(await threads(bob, 1), 'with news above').to.deep.equal([second, third, first])
    await alice.put(`/rooms/${room}/redact/${news}/${count++}`)
    await untilSeen(bob, await say({}))
    expect(await threads(bob, 20), 'what was news is taken back').to.deep.equal([third, first, second])
  })

  async function untilSeen(user: TestUser, eventId: string): Promise<void> {
    while ((await user.get(`/rooms/${room}/event/${eventId}`)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20))
  }
})
