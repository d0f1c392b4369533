import { expect } from 'chai'
import { type Cluster, type Hopper, startCluster } from '../support/cluster.ts'
import { compare, createJournal, type wholeTimeline } from '../support/journal.ts'
import { makeRoom, say } from '../support/load.ts'
import { startReader } from '../support/sync-reader.ts'

const at = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`
const text = (body: string) => ({ msgtype: 'm.text', body })

describe('two processes of one homeserver', () => {
  let cluster: Cluster
  let alice: Hopper
  let bob: Hopper
  let carol: Hopper
  before(async function () {
    const started = await startCluster('postgres', 2)
    if (!started) return this.skip()
    cluster = started
    alice = await cluster.register('alice')
    bob = await cluster.register('bob')
    carol = await cluster.register('carol')
  })
  after(() => cluster?.close())

  it('let somebody who joined by one send by the other at once', async () => {
    for (let round = 0; round < 20; round++) {
      const roomId = await makeRoom(alice, [])
      expect(await bob.ask(round, 'GET', at(roomId, '/joined_members'))).to.include({ status: 403 })
      expect(await bob.ask(round, 'POST', `/join/${encodeURIComponent(roomId)}`, {})).to.include({ status: 200 })
      expect(await bob.ask(round + 1, 'PUT', at(roomId, '/send/m.room.message/1'), text('hello'))).to.include({ status: 200 })
      expect(await bob.ask(round + 1, 'GET', at(roomId, '/state'))).to.include({ status: 200 })
    }
  })

  it('refuse at once by one who was banned by the other', async () => {
    for (let round = 0; round < 20; round++) {
      const roomId = await makeRoom(alice, [bob])
      for (const member of [0, 1]) await bob.ask(member, 'PUT', at(roomId, `/send/m.room.message/${member}`), text('hello'))
      await alice.ask(round, 'POST', at(roomId, '/ban'), { user_id: bob.userId })
      const secret = await alice.ask(round, 'PUT', at(roomId, '/send/m.room.message/2'), text('he is gone'))
      const topic = await alice.ask(round, 'PUT', at(roomId, '/state/m.room.topic'), { topic: 'without bob' })
      const other = round + 1
      const [event, sent, messages, state, context, joined, sync] = await Promise.all([
        bob.ask(other, 'GET', at(roomId, `/event/${encodeURIComponent(secret.body.event_id)}`)),
        bob.ask(other, 'PUT', at(roomId, '/send/m.room.message/3'), text('let me in')),
        bob.ask(other, 'GET', at(roomId, '/messages?dir=b&limit=3')),
        bob.ask(other, 'GET', at(roomId, '/state/m.room.topic')),
        bob.ask(other, 'GET', at(roomId, `/context/${encodeURIComponent(topic.body.event_id)}`)),
        bob.ask(other, 'GET', at(roomId, '/joined_members')),
        bob.ask(other, 'GET', '/sync?timeout=0'),
      ])
      const answered = [event, sent, state, context, joined].map(({ status }) => status)
      expect(answered).to.deep.equal([404, 403, 404, 404, 403])
      for (const told of [messages, sync]) expect(JSON.stringify(told)).to.not.include('he is gone').and.not.include('without bob')
    }
  })

  it('tell by one of an invitation made by the other', async () => {
    let since: string = (await carol.ask(1, 'GET', '/sync?timeout=0')).body.next_batch
    /** The rooms of the first answer that tells of any. */
    const told = async (member: number, membership: 'invite' | 'join') => {
      for (;;) {
        const { body } = await carol.ask(member, 'GET', `/sync?timeout=10000&since=${since}`)
        since = body.next_batch
        if (body.rooms !== undefined) return Object.keys(body.rooms[membership] ?? {})
      }
    }
    for (let round = 0; round < 10; round++) {
      const polling = told(round + 1, 'invite')
      const roomId = await makeRoom(alice, [])
      await alice.ask(round, 'POST', at(roomId, '/invite'), { user_id: carol.userId })
      expect(await polling).to.deep.equal([roomId])
      const joined = await carol.ask(round, 'POST', at(roomId, '/join'), {})
      expect(joined.status).to.equal(200)
      expect(await told(round + 1, 'join')).to.deep.equal([roomId])
    }
  })

  it('make one event of one transaction that both are asked for at once', async () => {
    const journal = createJournal()
    const roomId = await makeRoom(alice, [bob, carol])
    for (let round = 0; round < 60; round++) {
      const body = journal.intend(roomId, bob.userId)
      const others = [carol, alice].map((who, member) => say(journal, who, roomId, member))
      const both = [0, 1, 0, 1].map((member) => bob.ask(member, 'PUT', at(roomId, `/send/m.room.message/same-${round}`), text(body)))
      for (const told of await Promise.all(both)) {
        expect(told.status).to.equal(200)
        journal.acknowledge(body, told.body.event_id)
      }
      await Promise.all(others)
    }
    await compare(journal, alice, {})
  })

  it('give an alias that both are asked for at once to one room', async () => {
    for (let round = 0; round < 20; round++) {
      const made = await Promise.all(
        [0, 1, 0, 1].map((member) => alice.ask(member, 'POST', '/createRoom', { room_alias_name: `wanted-${round}` })),
      )
      expect(made.map(({ status }) => status).toSorted()).to.deep.equal([200, 400, 400, 400])
      for (const { status, body } of made) if (status === 400) expect(body.errcode).to.equal('M_ROOM_IN_USE')
      const winner = made.find(({ status }) => status === 200)?.body.room_id
      const found = await bob.ask(round, 'GET', `/directory/room/${encodeURIComponent(`#wanted-${round}:hs.test`)}`)
      expect(found.body.room_id).to.equal(winner)
    }
  })

  it('make one account of one name that both are asked for at once', async () => {
    for (let round = 0; round < 10; round++) {
      const body = { username: `twin-${round}`, password: 'a password of a test', auth: { type: 'm.login.dummy' } }
      const made = await Promise.all([0, 1, 0, 1].map((member) => alice.ask(member, 'POST', '/register', body)))
      expect(made.map(({ status }) => status).toSorted()).to.deep.equal([200, 400, 400, 400])
    }
  })

  it('keep a room whole when state, bans and messages meet in it', async () => {
    const people = await Promise.all(['dan', 'eve', 'fay', 'gil', 'hal', 'ida'].map((name) => cluster.register(name)))
    const roomId = await makeRoom(alice, people)
    const journal = createJournal()
    const readers = {
      first: startReader(alice, { member: () => 0 }),
      second: startReader(alice, { member: () => 1 }),
      hopping: startReader(alice, { member: (turn) => turn, timeout: 200 }),
    }
    const send = async (who: Hopper, member: number, turn: number) => {
      const body = journal.intend(roomId, who.userId)
      const told = await who.insist(member, 'PUT', at(roomId, `/send/m.room.message/${turn}`), text(body))
      if (told.status === 200) journal.acknowledge(body, told.body.event_id)
      else {
        expect(told.body.errcode).to.equal('M_FORBIDDEN')
        journal.refuse(body)
      }
    }
    const speak = people.map(async (who, place) => {
      for (let turn = 0; turn < 60; turn++) await send(who, place + turn, turn)
    })
    const rule = async (member: number) => {
      for (let turn = 0; turn < 15; turn++) {
        const target = people[(turn * 2 + member) % people.length]!
        for (const verb of ['ban', 'unban']) await alice.insist(member, 'POST', at(roomId, `/${verb}`), { user_id: target.userId })
        await target.insist(member + 1, 'POST', at(roomId, '/join'), {})
        const topic = await alice.insist(member, 'PUT', at(roomId, '/state/m.room.topic'), { topic: `${member} ${turn}` })
        journal.acknowledgeEvent(roomId, topic.body.event_id)
      }
    }
    await Promise.all([...speak, rule(0), rule(1)])
    for (const reader of Object.values(readers)) await reader.untilCaughtUp()
    const kept = await compare(
      journal,
      alice,
      Object.fromEntries(Object.entries(readers).map(([name, { timelines }]) => [name, timelines])),
    )
    await isLine(kept.get(roomId) ?? [], roomId)
  })

  /** Every event follows the one before it, and the current state is what the last events of each kind made it. */
  async function isLine(room: Awaited<ReturnType<typeof wholeTimeline>>, roomId: string): Promise<void> {
    const made = new Map<string, string>()
    for (const { type, state_key: key, event_id: id } of room) if (key !== undefined) made.set(`${type} ${key}`, id)
    for (const member of [0, 1]) {
      const { body } = await alice.ask(member, 'GET', at(roomId, '/state'))
      const current = body.map((event: { type: string; state_key: string; event_id: string }) => [
        `${event.type} ${event.state_key}`,
        event.event_id,
      ])
      expect(Object.fromEntries(current)).to.deep.equal(Object.fromEntries(made))
    }
  }
})
