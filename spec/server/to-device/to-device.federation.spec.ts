import { expect } from 'chai'
import type { JsonObject } from '../../../server/core/json.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { edusOf } from '../../support/peers/edus.ts'
import { type Body, type Engine, engines, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`to-device messages across servers on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let among: AmongPeers
  let peer: Peer
  let alice: TestUser
  let bob: string
  let people = 0
  before(async function () {
    const started = await startServerWithPeers(0, { engine })
    if (!started) return this.skip()
    among = started
  })
  after(() => among?.close())
  beforeEach(async () => {
    peer = await among.addPeer()
    peer.on('PUT', '/_matrix/federation/v1/send/{txnId}', () => ({ body: { pdus: {} } }))
    alice = await among.server.register(`alice${++people}`)
    bob = `@bob:${peer.serverName}`
  })

  const send = (txnId: string, messages: object, by = alice) => by.put(`/sendToDevice/org.test.note/${txnId}`, { messages })
  /** The contents of the EDUs that a peer got, once there are so many. */
  const got = async (by: Peer, count: number): Promise<Body[]> => {
    const edus = () => by.asked.flatMap(({ path, content }) => (path.includes('/send/') ? (content.edus ?? []) : []))
    await by.until(() => edus().length >= count)
    return edus().map(({ edu_type, content }) => {
      expect(edu_type).to.equal('m.direct_to_device')
      return content
    })
  }
  const inbox = async (user: TestUser = alice): Promise<Body[]> => {
    const { body } = await user.get('/sync')
    return body.to_device?.events ?? []
  }
  const receive = (content: JsonObject, origin = peer.serverName) =>
    edusOf(among.server).receive(origin, 'm.direct_to_device', {
      sender: bob,
      type: 'org.test.note',
      message_id: 'one',
      messages: { [alice.userId]: { [alice.deviceId]: { n: 1 } } },
      ...content,
    })

  it('go to the servers of their users, all devices of a server’s users together', async () => {
    const other = await among.addPeer()
    other.on('PUT', '/_matrix/federation/v1/send/{txnId}', () => ({ body: { pdus: {} } }))
    const carol = `@carol:${peer.serverName}`
    const dora = `@dora:${other.serverName}`
    const dave = await among.server.register(`dave${people}`)
    await send('t', {
      [bob]: { PHONE: { n: 1 }, TABLET: { n: 2 } },
      [carol]: { '*': { n: 3 } },
      [dora]: { D: { n: 4 } },
      [dave.userId]: { [dave.deviceId]: { n: 5 } },
    })
    const [edu] = await got(peer, 1)
    expect(edu).to.deep.include({ sender: alice.userId, type: 'org.test.note' })
    expect(edu.message_id).to.match(/^[\w-]{16,32}$/)
    expect(edu.messages).to.deep.equal({ [bob]: { PHONE: { n: 1 }, TABLET: { n: 2 } }, [carol]: { '*': { n: 3 } } })
    const [others] = await got(other, 1)
    expect(others.messages).to.deep.equal({ [dora]: { D: { n: 4 } } })
    expect(others.message_id).not.to.equal(edu.message_id)
    expect((await inbox(dave)).map(({ content }) => content)).to.deep.equal([{ n: 5 }])
  })

  it('go once, however often the client says them, and in order', async () => {
    await send('same', { [bob]: { PHONE: { n: 1 } } })
    await send('same', { [bob]: { PHONE: { n: 1 } } })
    await send('next', { [bob]: { PHONE: { n: 2 } } })
    const edus = await got(peer, 2)
    expect(edus.map(({ messages }) => messages[bob].PHONE.n)).to.deep.equal([1, 2])
  })

  it('wait for a server that is away, over a restart, under the same ids', async () => {
    await peer.down()
    const messages = [1, 2, 3].map((n) => ({ [bob]: { PHONE: { n } } }))
    const after = edusOf(among.server).position()
    for (const [at, one] of messages.entries()) await send(`away${at}`, one)
    const told = (await edusOf(among.server).told(peer.serverName, after)).map(({ content }) => content['message_id'])
    await among.restart()
    alice = { ...alice, ...among.server.as(alice.token) }
    await peer.up()
    // It speaks: so it is there.
    await peer.ask(among.server, 'GET', `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(alice.userId)}`)
    const edus = await got(peer, 3)
    expect(edus.map(({ messages }) => messages[bob].PHONE.n)).to.deep.equal([1, 2, 3])
    expect(edus.map(({ message_id }) => message_id)).to.deep.equal(told)
  })

  it('are cut into EDUs of fifty messages, and of what others take', async () => {
    const devices = Array.from({ length: 120 }, (_, n) => [`D${n}`, { n }])
    await send('many', { [bob]: Object.fromEntries(devices) })
    const many = await got(peer, 3)
    expect(many.map(({ messages }) => Object.keys(messages[bob]).length)).to.deep.equal([50, 50, 20])
    expect(new Set(many.map(({ message_id }) => message_id)).size).to.equal(3)
    const text = 'x'.repeat(30_000)
    await send('large', { [bob]: { A: { text }, B: { text }, C: { text } } })
    const large = (await got(peer, 5)).slice(3)
    expect(large.map(({ messages }) => Object.keys(messages[bob]))).to.deep.equal([['A', 'B'], ['C']])
    for (const edu of large) expect(JSON.stringify(edu).length).to.be.below(65_536)
  })

  it('are refused when one is too large for any EDU, and nothing of the request is sent', async () => {
    const text = 'x'.repeat(70_000)
    const reply = await send('huge', { [bob]: { A: { n: 1 }, B: { text } }, [alice.userId]: { [alice.deviceId]: { n: 1 } } })
    expect([reply.status, reply.body.errcode]).to.deep.equal([413, 'M_TOO_LARGE'])
    expect(await inbox()).to.deep.equal([])
    const own = await send('huge', { [alice.userId]: { [alice.deviceId]: { text } } })
    expect(own.status, 'here there is no such limit').to.equal(200)
  })

  it('come to devices that there are, as local ones do', async () => {
    const messages = {
      [alice.userId]: { [alice.deviceId]: { n: 1 }, NONE: { n: 2 } },
      '@nobody:hs.test': { '*': { n: 3 } },
      [bob]: { '*': { n: 4 } },
    }
    await receive({ messages })
    await receive({ message_id: 'two', messages: { [alice.userId]: { '*': { n: 5 } } } })
    expect(await inbox()).to.deep.equal([1, 5].map((n) => ({ content: { n }, sender: bob, type: 'org.test.note' })))
  })

  it('wake a long poll', async () => {
    const { body } = await alice.get('/sync')
    const poll = alice.get('/sync', { query: { since: body.next_batch, timeout: '170000' } })
    const edu = {
      edu_type: 'm.direct_to_device',
      content: { sender: bob, type: 't', message_id: 'w', messages: { [alice.userId]: { '*': { n: 1 } } } },
    }
    await peer.ask(among.server, 'PUT', '/_matrix/federation/v1/send/w', {
      origin: peer.serverName,
      origin_server_ts: 1,
      pdus: [],
      edus: [edu],
    })
    expect((await poll).body.to_device.events).to.have.length(1)
  })

  it('come once for each id of a server, over a restart too', async () => {
    const other = await among.addPeer()
    await receive({})
    await receive({ messages: { [alice.userId]: { [alice.deviceId]: { n: 2 } } } })
    await among.restart()
    alice = { ...alice, ...among.server.as(alice.token) }
    await receive({})
    await receive({ sender: `@bob:${other.serverName}` }, other.serverName)
    expect((await inbox()).map(({ sender }) => sender)).to.deep.equal([bob, `@bob:${other.serverName}`])
  })

  it('are dropped when they speak for users of another server, or are malformed', async () => {
    const messagesOf = (content: unknown) => ({ [alice.userId]: { [alice.deviceId]: content } }) as JsonObject
    const odd: JsonObject[] = [
      { sender: alice.userId },
      { sender: '@bob:elsewhere.test' },
      { sender: 'bob' },
      { sender: 7 },
      { type: '' },
      { type: ['t'] },
      { message_id: '' },
      { message_id: 7 },
      { message_id: 'x'.repeat(1000) },
      { messages: [] },
      { messages: { [alice.userId]: [] } },
      { messages: messagesOf('text') },
      { messages: messagesOf(['list']) },
      { messages: messagesOf({ text: 'x'.repeat(70_000) }) },
      { messages: messagesOf({ half: '\ud800' }) },
    ]
    for (const content of odd) await receive(content)
    expect(await inbox()).to.deep.equal([])
    await receive({})
    expect(await inbox()).to.have.length(1)
  })
}
