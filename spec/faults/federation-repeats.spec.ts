import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { expect } from 'chai'
import type { EventId, RoomId } from '../../server/core/ids.ts'
import type { Json, JsonObject } from '../../server/core/json.ts'
import { client } from '../../server/storage/postgres/session.ts'
import { type AmongProcesses, startProcessesWithPeers } from '../support/apart/processes-with-peers.ts'
import type { Hopper } from '../support/cluster.ts'
import type { Peer, PeerAnswered } from '../support/peer.ts'
import { joinAsPeer, type PeerMember } from '../support/peers/peer-room.ts'
import type { Engine } from '../support/server.ts'

const rounds = Number(process.env['TOMBOLO_REPEATS'] ?? 6)
/** How often the same is sent at once. */
const atOnce = 6

type Scene = { readonly among: AmongProcesses; readonly peer: Peer; readonly alice: Hopper; readonly member: PeerMember }
/** What a transaction holds: two messages and something for a device, each of which says which version of it this is. */
type Content = { readonly pdus: readonly Json[]; readonly edus: readonly Json[]; readonly last: EventId }

async function openScene(engine: Engine, size: number): Promise<Scene | undefined> {
  const among = await startProcessesWithPeers(1, { engine, size })
  if (among === undefined) return undefined
  const peer = among.peers[0] as Peer
  const alice = await among.cluster.register('alice')
  const { body } = await alice.insist(0, 'POST', '/createRoom', { preset: 'public_chat' })
  return { among, peer, alice, member: await joinAsPeer(peer, among.asServer(), body.room_id) }
}

async function write({ member, alice }: Scene, words: string, after: EventId): Promise<Content> {
  const one = await member.message(`${words} one`, [after])
  const two = await member.message(`${words} two`, [one.eventId])
  const messages = { [alice.userId]: { [alice.deviceId]: { words } } }
  const edu = { edu_type: 'm.direct_to_device', content: { sender: member.userId, type: 'm.test', message_id: words, messages } }
  return { pdus: [one.pdu as unknown as Json, two.pdu as unknown as Json], edus: [edu], last: two.eventId }
}

function send({ among, peer }: Scene, id: string, { pdus, edus }: Content, member = 0): Promise<PeerAnswered | undefined> {
  const content: JsonObject = { origin: peer.serverName, origin_server_ts: 1, pdus, edus }
  return peer.ask(among.asServer(member), 'PUT', `/_matrix/federation/v1/send/${id}`, content).catch(() => undefined)
}

/** Sends it until it is answered, by any process. */
async function insist(scene: Scene, id: string, content: Content): Promise<PeerAnswered> {
  for (let turn = 0; ; turn++) {
    const answer = await send(scene, id, content, turn)
    if (answer?.status === 200) return answer
    await sleep(20)
  }
}

/** Waits until the answer to a transaction is on the disk: that comes a moment after it was answered, for all that came meanwhile. */
async function untilPutAway({ among: { cluster } }: Scene, id: string): Promise<void> {
  const { databaseUrl, databaseFile } = cluster
  const sql = databaseUrl === undefined ? undefined : client(databaseUrl, 'a look', { max: 1 })
  const file = databaseUrl === undefined ? new Database(databaseFile, { readonly: true }) : undefined
  const query = `SELECT 1 FROM federation_received WHERE transaction_id = '${id}' AND answer IS NOT NULL`
  try {
    while ((file?.prepare(query).all() ?? (await sql?.unsafe(query)) ?? []).length === 0) await sleep(20)
  } finally {
    file?.close()
    await sql?.end()
  }
}

/** What alice's device was told, and what stands in the room, as it is said. */
async function effects({ alice, member }: Scene): Promise<{ readonly messages: string[]; readonly toDevice: string[] }> {
  const toDevice: string[] = []
  for (let since = ''; ; ) {
    const { body } = await alice.insist(0, 'GET', `/sync?timeout=0${since === '' ? '' : `&since=${since}`}`)
    const told = (body.to_device?.events ?? []).map(({ content }: { content: { words: string } }) => content.words)
    if (told.length === 0 && since !== '') break
    toDevice.push(...told)
    since = body.next_batch
  }
  const messages: string[] = []
  for (let from = ''; ; ) {
    const path = `/rooms/${member.roomId as RoomId}/messages?dir=f&limit=100${from === '' ? '' : `&from=${from}`}`
    const { body } = await alice.insist(0, 'GET', path)
    for (const { content } of body.chunk) if (typeof content.body === 'string') messages.push(content.body)
    if (body.end === undefined || body.chunk.length === 0) return { messages, toDevice }
    from = body.end
  }
}

const both = (words: string) => [`${words} one`, `${words} two`]

function describeRepeats(name: string, engine: Engine, size: number): void {
  describe(`F-10: a transaction that comes again and again, to ${name}`, () => {
    let scene: Scene
    before(async function () {
      const started = await openScene(engine, size)
      if (started === undefined) return this.skip()
      scene = started
    })
    after(() => scene?.among.close())

    it('has one effect: sent many times at once, over a kill at any instant, and once more', async () => {
      let last = scene.member.joinId
      for (let round = 0; round < rounds; round++) {
        const content = await write(scene, `kill ${round}`, last)
        const [member] = scene.among.cluster.members
        const sent = Array.from({ length: atOnce }, (_, place) => send(scene, `kill${round}`, content, place))
        await sleep((round * 3) % 40)
        await member?.kill()
        await member?.start()
        await Promise.all(sent)
        const answer = await insist(scene, `kill${round}`, content)
        expect((await insist(scene, `kill${round}`, content)).body).to.deep.equal(answer.body)
        last = content.last
      }
      const { messages, toDevice } = await effects(scene)
      expect(messages).to.deep.equal(Array.from({ length: rounds }, (_, round) => both(`kill ${round}`)).flat())
      expect(toDevice).to.deep.equal(Array.from({ length: rounds }, (_, round) => `kill ${round}`))
    })

    it('has the effect of one alone where another body comes under its id: at once, later, and after a kill', async () => {
      const before = await effects(scene)
      const taken: string[] = []
      for (let round = 0; round < rounds; round++) {
        const id = `altered${round}`
        const [right, altered] = [
          await write(scene, `right ${round}`, scene.member.joinId),
          await write(scene, `altered ${round}`, scene.member.joinId),
        ]
        const answers = await Promise.all(
          Array.from({ length: atOnce }, (_, place) => send(scene, id, place % 2 === round % 2 ? right : altered)),
        )
        for (const answer of answers) expect(answer?.body, id).to.deep.equal(answers[0]?.body)
        taken.push(answers[0]?.body.pdus[right.last] === undefined ? `altered ${round}` : `right ${round}`)
        for (const one of [altered, right]) expect((await insist(scene, id, one)).body, id).to.deep.equal(answers[0]?.body)
        if (round % 4 !== 0) continue
        await untilPutAway(scene, id)
        await scene.among.cluster.members[0]?.kill()
        await scene.among.cluster.members[0]?.start()
        for (const one of [altered, right]) expect((await insist(scene, id, one)).body, id).to.deep.equal(answers[0]?.body)
      }
      const { messages, toDevice } = await effects(scene)
      expect(messages.slice(before.messages.length).sort()).to.deep.equal(taken.flatMap(both).sort())
      expect(toDevice).to.deep.equal(taken)
      expect(scene.among.cluster.log()).to.include('something else under the id')
    })
  })
}

describeRepeats('a server over sqlite', 'sqlite', 1)
describeRepeats('a server of two processes', 'postgres', 2)
