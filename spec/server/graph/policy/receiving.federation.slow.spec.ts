import { expect } from 'chai'
import { encodeBase64 } from '../../../../server/core/base64.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import type { Pdu } from '../../../../server/core/pdu.ts'
import { generateSigningKey } from '../../../../server/core/signatures.ts'
import { createAskPolicy } from '../../../../server/graph/policy/policy.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../../support/peer.ts'
import { type PolicedRoom, policedRoom, policyKey } from './policed-room.ts'

for (const version of ['1', '12']) {
  describe(`what other servers say in a room of version ${version} that uses a policy server`, () => declare(version))
}

function declare(version: string): void {
  let among: AmongPeers
  let guard: Peer
  let other: Peer
  let room: PolicedRoom
  before(async () => {
    among = (await startServerWithPeers(2)) as AmongPeers
    ;[guard, other] = among.peers as [Peer, Peer]
  })
  after(() => among.close())
  beforeEach(async () => {
    room = await policedRoom(among, version)
    for (const peer of among.peers) peer.asked.length = 0
  })

  const withSignature = (pdu: Pdu, signature = room.signature(pdu)): Pdu => ({
    ...pdu,
    signatures: { ...pdu.signatures, [guard.serverName]: { ...pdu.signatures[guard.serverName], 'ed25519:policy_server': signature } },
  })
  const refuse = () => room.answer(() => ({ status: 400, body: { errcode: 'M_FORBIDDEN', error: 'spam' } }))

  it('is taken as it is when it bears the signature, and nobody is asked', async () => {
    const { pdu, eventId } = await room.carol.message('signed')
    await room.tell(withSignature(pdu))
    expect(await room.seen()).to.deep.equal(['signed'])
    expect(room.asked()).to.deep.equal([])
    expect(await room.stored(eventId)).to.deep.equal(withSignature(pdu))
  })

  it('gets the signature that it lacks, or that is none any more, and keeps it', async () => {
    const unsigned = await room.carol.message('unsigned')
    await room.tell(unsigned.pdu)
    const stale = await room.carol.message('stale')
    await room.tell(withSignature(stale.pdu, room.signature(stale.pdu, generateSigningKey(Buffer.alloc(32, 5)))))
    expect(await room.seen()).to.deep.equal(['unsigned', 'stale'])
    expect(await room.stored(unsigned.eventId)).to.deep.equal(withSignature(unsigned.pdu))
    expect(await room.stored(stale.eventId)).to.deep.equal(withSignature(stale.pdu))
    expect(room.asked()).to.have.length(2)
  })

  it('keeps the signature that it got while what it redacts was not here yet', async () => {
    const said = await room.carol.message('said')
    const redacts = room.rules.redactsInContent ? {} : { redacts: said.eventId }
    const content = room.rules.redactsInContent ? { redacts: said.eventId } : {}
    const redaction = await room.carol.event({ type: 'm.room.redaction', content, ...redacts })
    await room.tell(redaction.pdu)
    expect(room.asked()).to.have.length(1)
    await room.tell(said.pdu)
    expect(await room.stored(redaction.eventId)).to.deep.equal(withSignature(redaction.pdu))
  })

  it('is kept from everybody when the policy server refuses it, signs wrongly or is away, and what comes after is not', async () => {
    refuse()
    await room.tell((await room.carol.message('refused')).pdu)
    room.answer(({ content }) => ({ body: { [guard.serverName]: { 'ed25519:1': room.signature(content) } } }))
    await room.tell((await room.carol.message('signed wrongly')).pdu)
    await guard.down()
    try {
      await room.tell((await room.carol.message('nobody there')).pdu)
    } finally {
      await guard.up()
    }
    const { pdu } = await room.carol.message('signed')
    await room.tell(withSignature(pdu))
    expect(await room.seen()).to.deep.equal(['signed'])
  })

  it('is asked about only when its own server said it, the room would take it, and it is new', async () => {
    const { pdu } = await room.carol.message('hello')
    await room.tell({ ...pdu, signatures: {} })
    const levels = await room.carol.event({ type: 'm.room.power_levels', state_key: '', content: { users: { [room.carol.userId]: 100 } } })
    await room.tell(levels.pdu)
    expect(room.asked()).to.deep.equal([])
    await room.tell(pdu)
    await room.tell(pdu)
    expect(room.asked()).to.have.length(1)
    expect(await room.seen()).to.deep.equal(['hello'])
  })

  it('is asked about where it lay in between, too', async () => {
    const missing = await room.carol.message('missing')
    const refused = await room.carol.message('refused', [missing.eventId])
    const last = await room.carol.message('last', [refused.eventId])
    other.on('POST', '/_matrix/federation/v1/get_missing_events/{roomId}', () => ({ body: { events: [missing.pdu, refused.pdu] } }))
    room.answer(({ content }) =>
      content.content.body === 'refused'
        ? { status: 400, body: { errcode: 'M_FORBIDDEN', error: 'spam' } }
        : { body: { [guard.serverName]: { 'ed25519:policy_server': room.signature(content) } } },
    )
    await room.tell(last.pdu)
    expect(await room.seen()).to.deep.equal(['missing', 'last'])
  })

  it('holds nobody else up while the policy server takes its time', async () => {
    const slow = Promise.withResolvers<void>()
    room.answer(async ({ content }) => {
      if (content.content.body === 'slow') await slow.promise
      return { body: { [guard.serverName]: { 'ed25519:policy_server': room.signature(content) } } }
    })
    const waiting = room.tell((await room.carol.message('slow')).pdu)
    await guard.until(({ content }) => content?.content?.body === 'slow')
    const { pdu } = await room.watch.message('from elsewhere')
    const content = { origin: guard.serverName, origin_server_ts: 1, pdus: [withSignature(pdu) as unknown as JsonObject] }
    await guard.ask(among.server, 'PUT', '/_matrix/federation/v1/send/g1', content)
    expect((await room.say('from here')).status).to.equal(200)
    expect(await room.seen()).to.deep.equal(['from elsewhere', 'from here'])
    slow.resolve()
    await waiting
    expect(await room.seen()).to.have.members(['from elsewhere', 'from here', 'slow'])
  })

  it('waits for the policy server no longer than it may, and is asked about once, whoever wants to know', async () => {
    const slow = Promise.withResolvers<void>()
    room.answer(async ({ content }) => {
      await slow.promise
      return { body: { [guard.serverName]: { 'ed25519:policy_server': room.signature(content) } } }
    })
    const askPolicy = createAskPolicy(among.server.server.home)
    const { pdu, eventId } = await room.carol.message('slow')
    const by = { serverName: guard.serverName, publicKey: encodeBase64(policyKey.publicKey) }
    const proposed = { eventId, pdu, rules: room.rules, by }
    const others = [askPolicy(proposed), askPolicy(proposed, new AbortController().signal)]
    for (const signal of [AbortSignal.timeout(20), AbortSignal.abort()]) {
      expect(await askPolicy(proposed, signal)).to.include({ status: 502, errcode: 'M_UNKNOWN' })
    }
    slow.resolve()
    for (const answer of await Promise.all([...others, askPolicy(proposed)])) expect(answer).to.deep.equal(withSignature(pdu))
    expect(room.asked()).to.have.length(1)
  })

  it('keeps its own server’s signature when that is the policy server', async () => {
    const { pdu, eventId } = await room.watch.message('from the policy server')
    const content = { origin: guard.serverName, origin_server_ts: 1, pdus: [pdu as unknown as JsonObject] }
    await guard.ask(among.server, 'PUT', '/_matrix/federation/v1/send/g2', content)
    expect(await room.seen()).to.deep.equal(['from the policy server'])
    expect((await room.stored(eventId))?.signatures[guard.serverName]).to.have.all.keys(guard.signingKey.keyId, 'ed25519:policy_server')
  })

  it('redacts nothing without the signature', async () => {
    const said = await room.carol.message('typo')
    await room.tell(withSignature(said.pdu))
    const redacts = (content: JsonObject) =>
      version === '1'
        ? { type: 'm.room.redaction', redacts: said.eventId, content }
        : { type: 'm.room.redaction', content: { ...content, redacts: said.eventId } }
    const redaction = await room.carol.event(redacts({}))
    refuse()
    await room.tell(redaction.pdu)
    expect(await room.seen()).to.deep.equal(['typo'])
    const again = await room.carol.event(redacts({ reason: 'typo' }))
    await room.tell(withSignature(again.pdu))
    expect(await room.seen()).to.deep.equal([])
  })
}
