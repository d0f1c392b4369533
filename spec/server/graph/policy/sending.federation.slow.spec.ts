import { expect } from 'chai'
import { encodeBase64 } from '../../../../server/core/base64.ts'
import type { UserId } from '../../../../server/core/ids.ts'
import type { MatrixError } from '../../../../server/core/matrix-error.ts'
import type { Pdu } from '../../../../server/core/pdu.ts'
import { generateSigningKey } from '../../../../server/core/signatures.ts'
import type { Template } from '../../../../server/graph/graph.ts'
import { createHomeserver } from '../../../../server/homeserver.ts'
import { createLog } from '../../../../server/http/log.ts'
import { type AmongPeers, type Asked, type Peer, startServerWithPeers } from '../../../support/peer.ts'
import { joinAsPeer } from '../../../support/peers/peer-room.ts'
import { type Engine, engines } from '../../../support/server.ts'
import { type PolicedRoom, policedRoom, policyKey } from './policed-room.ts'

for (const engine of engines) describe(`what is said in a room that uses a policy server, on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let among: AmongPeers
  let guard: Peer
  let other: Peer
  let room: PolicedRoom
  let count = 0
  before(async function () {
    const started = await startServerWithPeers(2, { engine })
    if (started === undefined) return this.skip()
    among = started
    ;[guard, other] = among.peers as [Peer, Peer]
  })
  after(() => among?.close())
  beforeEach(async () => {
    room = await policedRoom(among)
    for (const peer of among.peers) peer.asked.length = 0
  })
  const code = ({ status, body }: { status: number; body: { errcode?: string } }) => [status, body.errcode]
  const refuse = (status: number, body: unknown) => room.answer(() => ({ status, body }))

  for (const version of ['1', '10', '11', '12']) {
    it(`reaches the others under its signature, beside that of this server, in version ${version}`, async () => {
      room = await policedRoom(among, version)
      await reachesOthers()
    })
  }

  async function reachesOthers(): Promise<void> {
    guard.asked.length = 0
    const sent = await room.say('hello')
    expect(sent.status, sent.text).to.equal(200)
    const [asked] = room.asked()
    expect(asked?.signatures).to.have.all.keys('hs.test')
    const pdu = await room.stored(sent.body.event_id)
    expect(pdu?.signatures).to.deep.equal({
      ...asked?.signatures,
      [guard.serverName]: { 'ed25519:policy_server': room.signature(asked!) },
    })
    const told = ({ path, content }: Asked) => path.includes('/send/') && content.pdus.some(({ type }: Pdu) => type === 'm.room.message')
    const { content } = await other.until(told)
    expect(content.pdus.at(-1)).to.deep.equal(pdu)
    expect(await room.seen()).to.deep.equal(['hello'])
  }

  it('is not said when the policy server refuses it, and the sender hears its words', async () => {
    refuse(400, { errcode: 'M_FORBIDDEN', error: 'this looks like spam' })
    const refused = await room.say('buy')
    expect([refused.status, refused.body]).to.deep.equal([400, { errcode: 'M_FORBIDDEN', error: 'this looks like spam' }])
    refuse(403, { errcode: 'M_FORBIDDEN', error: 'not you' })
    expect(code(await room.say('buy'))).to.deep.equal([403, 'M_FORBIDDEN'])
    refuse(404, { errcode: 'M_UNRECOGNIZED', error: 'what?' })
    expect(code(await room.say('buy'))).to.deep.equal([403, 'M_FORBIDDEN'])
    refuse(401, { errcode: 'M_UNKNOWN_TOKEN', error: 'log in' })
    expect(code(await room.say('buy'))).to.deep.equal([502, 'M_UNKNOWN'])
    expect(await room.seen()).to.deep.equal([])
    expect(other.asked.filter(({ text }) => text.includes('"m.room.message"'))).to.deep.equal([])
  })

  it('is not said when the signature is no good', async () => {
    const stranger = generateSigningKey(Buffer.alloc(32, 1))
    const wrong: ((pdu: Parameters<PolicedRoom['signature']>[0]) => unknown)[] = [
      () => ({}),
      () => ({ [guard.serverName]: 'x' }),
      () => ({ [guard.serverName]: { 'ed25519:policy_server': 'x' } }),
      (pdu) => ({ [guard.serverName]: { 'ed25519:policy_server': room.signature(pdu, stranger) } }),
      (pdu) => ({ [guard.serverName]: { 'ed25519:1': room.signature(pdu) } }),
      (pdu) => ({ [other.serverName]: { 'ed25519:policy_server': room.signature(pdu) } }),
      (pdu) => ({ [guard.serverName]: { 'ed25519:policy_server': room.signature({ ...pdu, depth: 1 }) } }),
    ]
    for (const make of wrong) {
      room.answer(({ content }) => ({ body: make(content) }))
      expect(code(await room.say('hello')), make.toString()).to.deep.equal([403, 'M_FORBIDDEN'])
    }
    expect(await room.seen()).to.deep.equal([])
  })

  it('waits for a policy server that is away only as long as the room names it', async () => {
    await guard.down()
    try {
      expect(code(await room.say('hello'))).to.deep.equal([502, 'M_UNKNOWN'])
      expect((await room.setState('m.room.policy', {})).status).to.equal(200)
      expect((await room.say('hello')).status).to.equal(200)
    } finally {
      await guard.up()
    }
    expect(room.asked()).to.deep.equal([])
  })

  it('is for the policy server to see, whatever it is, but for what says which server that is', async () => {
    expect((await room.setState('m.room.topic', { topic: 'x' })).status).to.equal(200)
    expect((await room.setState('m.room.policy', {}, 'elsewhere')).status).to.equal(200)
    expect((await room.alice.put(`/rooms/${room.roomId}/send/m.room.policy/1`, {})).status).to.equal(200)
    const { body } = await room.say('typo')
    expect((await room.alice.put(`/rooms/${room.roomId}/redact/${body.event_id}/1`, {})).status).to.equal(200)
    const bob = await among.server.register(`bob${Date.now()}`)
    expect((await bob.post(`/join/${room.roomId}`, {})).status).to.equal(200)
    expect(room.asked().map(({ type }) => type)).to.deep.equal([
      'm.room.topic',
      'm.room.policy',
      'm.room.policy',
      'm.room.message',
      'm.room.redaction',
      'm.room.member',
    ])
    const rotated = generateSigningKey(Buffer.alloc(32, 3))
    const policy = { via: guard.serverName, public_keys: { ed25519: encodeBase64(rotated.publicKey) } }
    expect((await room.setState('m.room.policy', policy)).status).to.equal(200)
    expect(room.asked()).to.have.length(6)
    expect(await room.seen()).to.deep.equal([])
  })

  it('is nobody’s business where the policy server is not in the room, or the state event names none', async () => {
    const ed25519 = encodeBase64(policyKey.publicKey)
    const { serverName: via } = guard
    for (const content of [
      { via },
      { via, public_keys: {} },
      { via, public_keys: { ed25519: 5 } },
      { via: 5, public_keys: { ed25519 } },
      { via: 'absent.test', public_keys: { ed25519 } },
      { via: 'hs.test', public_keys: { ed25519 } },
    ]) {
      expect((await room.setState('m.room.policy', content)).status).to.equal(200)
      expect((await room.say('hello')).status, JSON.stringify(content)).to.equal(200)
    }
    await room.setState('m.room.policy', { via, public_keys: { ed25519 } })
    await room.tell((await room.watch.event({ type: 'm.room.message' })).pdu)
    const kick = await room.alice.post(`/rooms/${room.roomId}/kick`, { user_id: room.watch.userId })
    expect(kick.status, kick.text).to.equal(200)
    guard.asked.length = 0
    expect((await room.say('alone')).status).to.equal(200)
    expect(room.asked()).to.deep.equal([])
  })

  it('keeps nobody waiting while the policy server takes its time', async () => {
    const [slow, fast] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    room.answer(async ({ content }) => {
      await (content.content.body === 'slow' ? slow : fast).promise
      return { body: { [guard.serverName]: { 'ed25519:policy_server': room.signature(content) } } }
    })
    fast.resolve()
    const waiting = room.say('slow')
    await guard.until(({ content }) => content?.content?.body === 'slow')
    expect((await room.say('fast')).status).to.equal(200)
    const { pdu } = await room.carol.message('from afar')
    expect(await room.tell(pdu)).to.include('{"pdus":{"')
    expect(await room.seen()).to.deep.equal(['fast', 'from afar'])
    slow.resolve()
    const { body } = await waiting
    expect(await room.seen()).to.have.members(['fast', 'from afar', 'slow'])
    const signed = room.asked().find(({ content }) => content['body'] === 'slow')
    expect((await room.stored(body.event_id))?.prev_events).to.deep.equal(signed?.prev_events)
    const after = await room.say('after')
    expect((await room.stored(after.body.event_id))?.prev_events).to.include(body.event_id)
  })

  it('takes the place of nothing else than it was made for, whatever came while the policy server was asked', async () => {
    const bob = await among.server.register(`bob${engine}${Date.now()}`)
    await bob.post(`/join/${room.roomId}`, {})
    const { graph } = among.server.server
    const userId = bob.userId as UserId
    const standing = (await graph.members(room.roomId, [userId])).get(userId)
    const slow = Promise.withResolvers<void>()
    room.answer(async ({ content }) => {
      if (content.content.displayname === 'Slow Bob') await slow.promise
      return { body: { [guard.serverName]: { 'ed25519:policy_server': room.signature(content) } } }
    })
    const content = { membership: 'join', displayname: 'Slow Bob' }
    const template: Template = { type: 'm.room.member', stateKey: userId, sender: userId, content, replaces: standing!.eventId }
    const refused = graph.append(room.roomId, [template]).then(
      () => 'taken',
      (error: MatrixError) => error.errcode,
    )
    await guard.until(({ content: asked }) => asked?.content?.displayname === 'Slow Bob')
    expect((await bob.post(`/rooms/${room.roomId}/leave`, {})).status).to.equal(200)
    slow.resolve()
    expect(await refused).to.equal('M_FORBIDDEN')
    expect((await graph.room(room.roomId))?.membership(userId)).to.equal('leave')
  })

  it('is asked about once for one transaction, and said once', async () => {
    const path = `/rooms/${room.roomId}/send/m.room.message/same`
    const [one, two] = await Promise.all([room.alice.put(path, { body: 'once' }), room.alice.put(path, { body: 'once' })])
    const three = await room.alice.put(path, { body: 'once' })
    expect(new Set([one, two, three].map(({ body }) => body.event_id)).size).to.equal(1)
    expect(await room.seen()).to.deep.equal(['once'])
    expect(room.asked().length).to.be.within(1, 2)
    const { body } = await room.alice.get('/sync')
    expect(body.rooms.join[room.roomId].timeline.events.at(-1).unsigned.transaction_id).to.equal('same')
  })

  if (engine === 'postgres') {
    it('is said by two processes at once, and loses nothing', async () => {
      const log = createLog({ level: 'error', format: 'text', write: () => undefined })
      const second = await createHomeserver(among.server.config, { log })
      try {
        const { graph } = among.server.server
        const message = (text: string): Template => ({ type: 'm.room.message', sender: room.alice.userId, content: { body: text } })
        const texts = Array.from({ length: 20 }, (_, n) => `${n}`)
        const said = await Promise.all(texts.map((text, n) => (n % 2 ? second.graph : graph).append(room.roomId, [message(text)])))
        expect(new Set(said.map(({ eventIds }) => eventIds[0])).size).to.equal(20)
        expect(room.asked()).to.have.length(20)
        expect(await room.seen()).to.have.members(texts)
        const topic = (text: string): Template => ({ ...message(''), type: 'm.room.topic', stateKey: '', content: { topic: text } })
        await Promise.all([graph.append(room.roomId, [topic('one')]), second.graph.append(room.roomId, [topic('two')])])
        const transaction = { session: 's', path: '/send', id: `${count++}` }
        const twins = await Promise.all([graph, second.graph].map((by) => by.append(room.roomId, [message('twins')], { transaction })))
        expect(twins[0]).to.deep.equal(twins[1])
        const [here, there] = await Promise.all([graph, second.graph].map(async (by) => (await by.freshRoom(room.roomId))!))
        expect(here?.state('m.room.topic', '')?.eventId).to.equal(there?.state('m.room.topic', '')?.eventId)
        expect(here?.extremities).to.deep.equal(there?.extremities)
      } finally {
        await second.close()
      }
    })
  }

  it('refuses the same reaction twice as anywhere', async () => {
    const { body } = await room.say('hello')
    const content = { 'm.relates_to': { rel_type: 'm.annotation', event_id: body.event_id, key: '👍' } }
    const react = (n: number) => room.alice.put(`/rooms/${room.roomId}/send/m.reaction/r${n}`, content)
    expect((await react(1)).status).to.equal(200)
    expect(code(await react(2))).to.deep.equal([400, 'M_DUPLICATE_ANNOTATION'])
  })

  it('is an invitation or a join too: without a signature nobody comes in', async () => {
    refuse(400, { errcode: 'M_FORBIDDEN', error: 'not them' })
    const invite = await room.alice.post(`/rooms/${room.roomId}/invite`, { user_id: `@dave:${other.serverName}` })
    expect(code(invite)).to.deep.equal([400, 'M_FORBIDDEN'])
    expect(other.asked.filter(({ path }) => path.includes('/invite/'))).to.deep.equal([])
    let words = ''
    await joinAsPeer(other, among.server, room.roomId, 'erin').catch(({ message }: Error) => {
      words = message
    })
    expect(words).to.include('send_join: 403')
    expect((await among.server.server.graph.room(room.roomId))?.membership(`@erin:${other.serverName}`)).to.equal(undefined)
  })

  it('is told by this server, asked itself, that it is no policy server', async () => {
    const answered = await other.ask(among.server, 'POST', '/_matrix/policy/v1/sign', {})
    expect(code(answered)).to.deep.equal([404, 'M_UNRECOGNIZED'])
  })
}
