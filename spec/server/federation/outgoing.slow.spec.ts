import { expect } from 'chai'
import type { RoomId } from '../../../server/core/ids.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import { type AmongPeers, type Asked, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer } from '../../support/peers/peer-room.ts'
import { engines, type TestUser, untilAborted } from '../../support/server.ts'
import { steeredClock } from '../media/steered-clock.ts'

const sendPath = '/_matrix/federation/v1/send/{txnId}'
const hour = 3_600_000
const pdusOf = (asked: Asked): Pdu[] => (asked.path.includes('/v1/send/') ? asked.content.pdus : [])
const bodyOf = ({ content }: Pdu) => content['body']
/** What a peer was told in messages, in the order in which it came, what it did not take included. */
const told = (peer: Peer) =>
  peer.asked
    .flatMap(pdusOf)
    .map(bodyOf)
    .filter((body) => body !== undefined)
const untilTold = (peer: Peer, body: string) => peer.until((asked) => pdusOf(asked).some((pdu) => bodyOf(pdu) === body))

for (const engine of engines) {
  describe(`what happens here is told other servers on ${engine}`, () => {
    let among: AmongPeers
    let alice: TestUser
    let count = 0
    const steered = steeredClock()
    /** A wait after a failure lasts until somebody ends it, however slow the machine is. */
    const sleep = (milliseconds: number, signal?: AbortSignal) =>
      (milliseconds >= 4000 ? untilAborted : steered.sleep)(milliseconds, signal)
    const clock = { ...steered, sleep }

    before(async function () {
      const started = await startServerWithPeers(0, { engine, overrides: { clock } })
      if (started === undefined) return this.skip()
      among = started
      alice = await among.server.register('alice')
    })
    after(() => among?.close())

    const newPeer = async (): Promise<Peer> => {
      const peer = await among.addPeer()
      peer.on('PUT', sendPath, () => ({ body: { pdus: {} } }))
      return peer
    }
    const openRoom = async (...members: Peer[]): Promise<RoomId> => {
      const { body } = await alice.post('/createRoom', { preset: 'public_chat' })
      for (const peer of members) await joinAsPeer(peer, among.server, body.room_id)
      return body.room_id
    }
    const say = (roomId: RoomId, body: string) => alice.put(`/rooms/${roomId}/send/m.room.message/${++count}`, { msgtype: 'm.text', body })
    const restart = async () => {
      await among.restart()
      alice = { ...alice, ...among.server.as(alice.token) }
    }

    it('in the rooms that they are in, in order, under our signature, and nothing else', async () => {
      const [first, second] = [await newPeer(), await newPeer()]
      const both = await openRoom(first, second)
      const one = await openRoom(first)
      await say(await openRoom(), 'among ourselves')
      for (const number of Array(120).keys()) await say(number % 2 === 0 ? both : one, `${number}`)
      await Promise.all([untilTold(first, '119'), untilTold(second, '118')])
      expect(told(first)).to.deep.equal(Array.from({ length: 120 }, (_, number) => `${number}`))
      expect(told(second)).to.deep.equal(Array.from({ length: 60 }, (_, number) => `${number * 2}`))
      const transactions = first.asked.filter(({ method }) => method === 'PUT')
      const key = among.server.server.home.signingKey.publicKey
      expect(transactions.every((asked) => asked.isSignedBy(key) && asked.content.pdus.length <= 50)).to.equal(true)
      expect(new Set(transactions.map(({ path }) => path)).size).to.equal(transactions.length)
      expect(transactions.every(({ content }) => content.origin === 'hs.test' && Number.isInteger(content.origin_server_ts))).to.equal(true)
    })

    it('once to each server that leaves or is made to leave, and then no more', async () => {
      const [first, second] = [await newPeer(), await newPeer()]
      const roomId = await openRoom(first, second)
      await alice.post(`/rooms/${roomId}/kick`, { user_id: `@remote:${first.serverName}` })
      await say(roomId, 'after')
      await untilTold(second, 'after')
      await say(await openRoom(first), 'elsewhere')
      await untilTold(first, 'elsewhere')
      const kicks = first.asked.flatMap(pdusOf).filter(({ state_key }) => state_key === `@remote:${first.serverName}`)
      expect(kicks.map(({ content }) => content['membership'])).to.deep.equal(['leave'])
      expect(told(first)).to.deep.equal(['elsewhere'])
    })

    it('also what another server brought here, once, and not that server', async () => {
      const [first, second] = [await newPeer(), await newPeer()]
      const third = await newPeer()
      const roomId = await openRoom(first, second, third)
      await say(roomId, 'all are here')
      await Promise.all([first, second, third].map((peer) => untilTold(peer, 'all are here')))
      const joins = (peer: Peer) => peer.asked.flatMap(pdusOf).filter(({ type }) => type === 'm.room.member')
      const users = (peer: Peer) => joins(peer).map(({ state_key }) => state_key)
      expect(users(first)).to.deep.equal([`@remote:${second.serverName}`, `@remote:${third.serverName}`])
      expect(users(second)).to.deep.equal([`@remote:${third.serverName}`])
      expect(users(third)).to.deep.equal([])
    })

    it('again with the same bytes until it is taken, also after a restart, and then what came meanwhile', async () => {
      const first = await newPeer()
      const roomId = await openRoom(first)
      let isFailing = false
      first.on('PUT', sendPath, (asked) => {
        isFailing ||= pdusOf(asked).some((pdu) => bodyOf(pdu) === 'a')
        return isFailing ? { status: 500, body: {} } : { body: { pdus: {} } }
      })
      await say(roomId, 'a')
      const refused = await untilTold(first, 'a')
      await say(roomId, 'b')
      await restart()
      for (const number of Array(70).keys()) await say(roomId, `${number}`)
      first.on('PUT', sendPath, () => ({ body: { pdus: {} } }))
      await first.ask(among.server, 'GET', `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(alice.userId)}`)
      clock.advance(3000)
      await first.ask(among.server, 'GET', `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(alice.userId)}`)
      await untilTold(first, '69')
      const transactions = first.asked.filter(({ method }) => method === 'PUT')
      const same = transactions.filter(({ path }) => path === refused.path)
      expect(same.length).to.be.above(1)
      expect(new Set(same.map(({ text }) => text)).size).to.equal(1)
      const taken = transactions.slice(transactions.lastIndexOf(same.at(-1)!))
      expect(taken.flatMap(pdusOf).map(bodyOf)).to.deep.equal(['a', 'b', ...Array.from({ length: 70 }, (_, number) => `${number}`)])
      expect(taken.every(({ content }) => content.pdus.length <= 50)).to.equal(true)
    })

    it('not sooner after a restart, but at once when the one that could not be reached is heard from', async () => {
      const [first, second] = [await newPeer(), await newPeer()]
      const roomId = await openRoom(first, second)
      await say(roomId, 'here')
      await untilTold(first, 'here')
      await first.down()
      await say(roomId, 'unheard')
      await untilTold(second, 'unheard')
      while (!among.server.log().includes('did not take a transaction')) await new Promise((resolve) => setTimeout(resolve, 5))
      await restart()
      await first.up()
      await say(roomId, 'after')
      await untilTold(second, 'after')
      expect(new Set(told(first))).to.deep.equal(new Set(['here']))
      await first.ask(among.server, 'PUT', '/_matrix/federation/v1/send/empty', { pdus: [] })
      await untilTold(first, 'after')
      expect([...new Set(told(first))]).to.deep.equal(['here', 'unheard', 'after'])
    })

    it('when the one that could not be reached is heard from, also where the clock was set back since', async () => {
      const first = await newPeer()
      const roomId = await openRoom(first)
      await say(roomId, 'here')
      await untilTold(first, 'here')
      first.on('PUT', sendPath, () => ({ status: 503, body: {} }))
      await say(roomId, 'unheard')
      const failure = `destination=${first.serverName} `
      while (!among.server.log().includes(failure)) await new Promise((resolve) => setTimeout(resolve, 5))
      clock.advance(-hour)
      first.on('PUT', sendPath, () => ({ body: { pdus: {} } }))
      const speakUp = () =>
        first.ask(among.server, 'GET', `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(alice.userId)}`)
      await speakUp()
      clock.advance(3000)
      await speakUp()
      await say(roomId, 'after')
      await untilTold(first, 'after')
      clock.advance(hour)
      expect([...new Set(told(first))]).to.deep.equal(['here', 'unheard', 'after'])
    })

    it('without haste where one cannot be reached, which costs the others nothing', async () => {
      const [first, second] = [await newPeer(), await newPeer()]
      const roomId = await openRoom(first, second)
      let answer = () => {}
      await say(roomId, 'here')
      await untilTold(first, 'here')
      first.on('PUT', sendPath, async () => {
        await new Promise<void>((resolve) => {
          answer = resolve
        })
        return { status: 503, body: {} }
      })
      for (const body of ['x', 'y', 'z']) await say(roomId, body)
      await untilTold(second, 'z')
      expect(told(second)).to.deep.equal(['here', 'x', 'y', 'z'])
      expect(told(first)).to.deep.equal(['here', 'x'])
      answer()
    })

    it('whatever the others answer', async () => {
      const first = await newPeer()
      const roomId = await openRoom(first)
      await say(roomId, 'here')
      await untilTold(first, 'here')
      const many = Object.fromEntries(
        Array.from({ length: 3000 }, (_, number) => [`$${number}${'x'.repeat(100)}`, { error: 'no'.repeat(50) }]),
      )
      const answers = ['', 'null', '[]', '{"pdus":', { pdus: 'x' }, { pdus: null }, { pdus: { x: 7, y: { error: 5 } } }, { pdus: many }, {}]
      for (const [number, body] of answers.entries()) {
        first.on('PUT', sendPath, () => ({ body }))
        await say(roomId, `answered ${number}`)
        await untilTold(first, `answered ${number}`)
        first.on('PUT', sendPath, () => ({ body: { pdus: {} } }))
        await say(roomId, `then ${number}`)
        while (!told(first).includes(`then ${number}`)) {
          clock.advance(3000)
          await first.ask(among.server, 'GET', `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(alice.userId)}`)
        }
      }
      expect([...new Set(told(first))]).to.deep.equal(['here', ...answers.flatMap((_, number) => [`answered ${number}`, `then ${number}`])])
      const lines = among.server
        .log()
        .split('\n')
        .filter((line) => line.includes('did not take an event'))
      expect(lines.length).to.equal(50)
    })

    it('after days by the newest event of each room', async () => {
      const [first, second] = [await newPeer(), await newPeer()]
      const [one, two] = [await openRoom(first, second), await openRoom(first, second)]
      await first.down()
      const many = Array.from({ length: 50 }, () => ({ type: 'm.room.message', sender: alice.userId, content: { body: 'one of many' } }))
      for (const roomId of Array.from({ length: 12 }, (_, turn) => (turn % 2 === 0 ? one : two))) {
        await among.server.server.graph.append(roomId, many)
      }
      await Promise.all([say(one, 'last of one'), say(two, 'last of two')])
      await Promise.all([untilTold(second, 'last of one'), untilTold(second, 'last of two')])
      await first.up()
      await restart()
      clock.advance(7 * 24 * 3_600_000)
      await first.ask(among.server, 'GET', `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(alice.userId)}`)
      await Promise.all([untilTold(first, 'last of one'), untilTold(first, 'last of two')])
      expect(told(first).length).to.be.below(600)
    })
  })
}
