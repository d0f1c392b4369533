import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { RoomId } from '../../server/core/ids.ts'
import type { JsonObject } from '../../server/core/json.ts'
import type { Pdu } from '../../server/core/pdu.ts'
import { writeCertificate } from '../support/certificates.ts'
import { type Cluster, type Hopper, startCluster } from '../support/cluster.ts'
import { killRepeatedly } from '../support/killing.ts'
import { type Peer, startPeer } from '../support/peer.ts'
import { joinAsPeer, type PeerMember } from '../support/peers/peer-room.ts'
import { removeFolder, temporaryFolder } from '../support/processes.ts'
import type { Engine, TestServer } from '../support/server.ts'

const sendPath = '/_matrix/federation/v1/send/{txnId}'
const kills = 5
const sent = { out: 120, toDevice: 40, in: 30 }

/** What a peer was told in the transactions that it has taken, and the bytes of all of them by their ids. */
type Told = { readonly bodies: string[]; readonly toDevice: string[]; readonly texts: Map<string, Set<string>> }

/** As peers see one of several processes. */
function seenByPeers(cluster: Cluster, member: number): TestServer {
  return { url: cluster.members[member]?.url() ?? '', server: { home: { serverName: 'hs.test' } } } as unknown as TestServer
}

/** A peer that takes its time, and refuses every fifth transaction. */
function listenTo(peer: Peer): Told {
  const told: Told = { bodies: [], toDevice: [], texts: new Map() }
  const events = new Set<string>()
  let count = 0
  peer.on('PUT', sendPath, async ({ params, text, content }) => {
    const id = params['txnId'] ?? ''
    told.texts.set(id, (told.texts.get(id) ?? new Set()).add(text))
    await sleep((count * 7) % 20)
    if (++count % 5 === 0) return { status: 500, body: {} }
    for (const pdu of content.pdus as Pdu[]) {
      const body = pdu.content['body']
      if (typeof body !== 'string' || events.has(body)) continue
      events.add(body)
      told.bodies.push(body)
    }
    for (const edu of content.edus) if (edu.edu_type === 'm.direct_to_device') noteToDevice(told, edu.content)
    return { body: { pdus: {} } }
  })
  return told
}

function noteToDevice({ toDevice }: Told, { type }: { type: string }): void {
  if (!toDevice.includes(type)) toDevice.push(type)
}

/** Sends its messages in twos until each transaction was answered; any process will do. */
async function speak(cluster: Cluster, peer: Peer, member: PeerMember): Promise<void> {
  let last = member.joinId
  for (const number of Array(sent.in).keys()) {
    const one = await member.message(`${peer.serverName} ${number} a`, [last])
    const two = await member.message(`${peer.serverName} ${number} b`, [one.eventId])
    last = two.eventId
    const content = { pdus: [one.pdu, two.pdu] } as unknown as JsonObject
    for (let turn = number; ; turn++) {
      const server = seenByPeers(cluster, turn % cluster.members.length)
      const answer = await peer.ask(server, 'PUT', `/_matrix/federation/v1/send/in${number}`, content).catch(() => undefined)
      if (answer?.status === 200) break
      await sleep(20)
    }
    await sleep(30)
  }
}

async function say(alice: Hopper, roomId: RoomId, peers: readonly Peer[]): Promise<void> {
  for (const number of Array(sent.out).keys()) {
    const content = { msgtype: 'm.text', body: `out ${number}` }
    await alice.insist(number, 'PUT', `/rooms/${roomId}/send/m.room.message/${number}`, content)
    if (number % 3 !== 0) continue
    const messages = Object.fromEntries(peers.map(({ serverName }) => [`@remote:${serverName}`, { DEVICE: {} }]))
    await alice.insist(number, 'PUT', `/sendToDevice/test.${number / 3}/${number}`, { messages })
  }
}

async function untilAllIsTold(cluster: Cluster, peers: readonly Peer[], told: readonly Told[]): Promise<void> {
  for (;;) {
    if (told.every(({ bodies, toDevice }) => bodies.includes(`out ${sent.out - 1}`) && toDevice.length === sent.toDevice)) return
    for (const [place, peer] of peers.entries()) {
      const uri = '/_matrix/federation/v1/query/profile?user_id=%40alice%3Ahs.test'
      await peer.ask(seenByPeers(cluster, place % cluster.members.length), 'GET', uri).catch(() => {})
    }
    await sleep(500)
  }
}

async function allBodies(alice: Hopper, roomId: RoomId): Promise<string[]> {
  const bodies: string[] = []
  for (let from = ''; ; ) {
    const { body } = await alice.insist(0, 'GET', `/rooms/${roomId}/messages?dir=f&limit=100${from === '' ? '' : `&from=${from}`}`)
    for (const { content } of body.chunk) if (typeof content.body === 'string') bodies.push(content.body)
    if (body.end === undefined || body.chunk.length === 0) return bodies
    from = body.end
  }
}

function describeKills(words: string, engine: Engine, size: number): void {
  describe(words, () => {
    let cluster: Cluster
    let peers: Peer[]
    let folder: string
    before(async function () {
      folder = temporaryFolder('tombolo-federation-kills')
      const files = writeCertificate(folder)
      const started = await startCluster(engine, size, { federation: { ca_file: files.certificate, allow_private_addresses: true } })
      if (!started) return this.skip()
      cluster = started
      peers = await Promise.all(Array.from({ length: 3 }, () => startPeer(files)))
    })
    after(async () => {
      await cluster?.close()
      await Promise.all((peers ?? []).map((peer) => peer.close()))
      removeFolder(folder)
    })

    it(`tells and takes everything in its order and once, over ${kills} kills at any instant`, async () => {
      const told = peers.map(listenTo)
      const alice = await cluster.register('alice')
      const { room_id: roomId } = (await alice.insist(0, 'POST', '/createRoom', { preset: 'public_chat' })).body
      const members: PeerMember[] = []
      for (const peer of peers) members.push(await joinAsPeer(peer, seenByPeers(cluster, 0), roomId))
      let instant = 0
      const pause = () => {
        instant += 397
        return 250 + (instant % 500)
      }
      await Promise.all([
        say(alice, roomId, peers),
        ...peers.map((peer, place) => speak(cluster, peer, members[place] as PeerMember)),
        killRepeatedly(cluster.members[0]!, kills, pause),
      ])
      await untilAllIsTold(cluster, peers, told)
      const out = Array.from({ length: sent.out }, (_, number) => `out ${number}`)
      for (const { bodies, toDevice, texts } of told) {
        expect(bodies).to.deep.equal(out)
        expect(toDevice).to.deep.equal(Array.from({ length: sent.toDevice }, (_, number) => `test.${number}`))
        expect([...texts.values()].filter(({ size: different }) => different > 1)).to.deep.equal([])
      }
      const inRoom = await allBodies(alice, roomId)
      for (const { serverName } of peers) {
        const expected = Array.from({ length: sent.in }, (_, number) => [`${serverName} ${number} a`, `${serverName} ${number} b`]).flat()
        expect(inRoom.filter((body) => body.startsWith(serverName)))
          .to.have.members(expected)
          .and.to.have.length(expected.length)
      }
    })
  })
}

describeKills('a server among others over sqlite', 'sqlite', 1)
describeKills('a server of two processes among others', 'postgres', 2)
