import { encodeBase64 } from '../../../../server/core/base64.ts'
import { signedText } from '../../../../server/core/hashes.ts'
import type { EventId, RoomId } from '../../../../server/core/ids.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import type { Pdu } from '../../../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../../../server/core/room-versions.ts'
import { generateSigningKey, type SigningKey, signText } from '../../../../server/core/signatures.ts'
import type { AmongPeers, Asked, Peer, PeerReply } from '../../../support/peer.ts'
import { joinAsPeer, type PeerMember } from '../../../support/peers/peer-room.ts'
import type { TestUser } from '../../../support/server.ts'

/** The key of every policy server of these specs. */
export const policyKey = generateSigningKey(Buffer.alloc(32, 9), 'policy_server')

/** A room with a policy server in it: the first peer; the second is a server like any other. */
export type PolicedRoom = {
  readonly roomId: RoomId
  readonly rules: RoomRules
  readonly alice: TestUser
  /** Somebody of the second peer, who joined before there was a policy server. */
  readonly carol: PeerMember
  /** Whoever represents the policy server in the room. */
  readonly watch: PeerMember
  /** What the policy server was asked to sign. */
  readonly asked: () => Pdu[]
  readonly answer: (handle: (asked: Asked) => PeerReply | Promise<PeerReply>) => void
  readonly signature: (pdu: Pdu, key?: SigningKey) => string
  readonly say: (text: string) => ReturnType<TestUser['put']>
  readonly setState: (type: string, content: JsonObject, stateKey?: string) => ReturnType<TestUser['put']>
  /** Has the second peer tell of an event. */
  readonly tell: (pdu: Pdu) => Promise<string>
  /** The texts of all messages that Alice sees. */
  readonly seen: () => Promise<string[]>
  readonly stored: (eventId: string) => Promise<Pdu | undefined>
}

let count = 0

/** Makes such a room; the policy server signs whatever it is asked to, until it is told otherwise. */
export async function policedRoom(among: AmongPeers, version = '12'): Promise<PolicedRoom> {
  const [guard, other] = among.peers as readonly [Peer, Peer]
  const rules = roomRules(version) as RoomRules
  const { server } = among
  const alice = await server.register(`alice${count++}`)
  const made = await alice.post('/createRoom', { preset: 'public_chat', room_version: version })
  const roomId = made.body.room_id as RoomId
  for (const peer of among.peers) peer.on('PUT', '/_matrix/federation/v1/send/{txnId}', () => ({ body: { pdus: {} } }))
  const carol = await joinAsPeer(other, server, roomId, 'carol')
  const watch = await joinAsPeer(guard, server, roomId, 'watch')
  const setState: PolicedRoom['setState'] = (type, content, stateKey = '') =>
    alice.put(`/rooms/${roomId}/state/${type}/${stateKey}`, content)
  const signature: PolicedRoom['signature'] = (pdu, key = policyKey) => signText(signedText(pdu, rules), key)
  const answer: PolicedRoom['answer'] = (handle) => guard.on('POST', '/_matrix/policy/v1/sign', handle)
  answer(({ content }) => ({ body: { [guard.serverName]: { 'ed25519:policy_server': signature(content) } } }))
  await setState('m.room.policy', { via: guard.serverName, public_keys: { ed25519: encodeBase64(policyKey.publicKey) } })
  return {
    roomId,
    rules,
    alice,
    carol,
    watch,
    answer,
    signature,
    setState,
    asked: () => guard.asked.filter(({ path }) => path === '/_matrix/policy/v1/sign').map(({ content }) => content),
    say: (text) => alice.put(`/rooms/${roomId}/send/m.room.message/${count++}`, { msgtype: 'm.text', body: text }),
    tell: async (pdu) => {
      const content = { origin: other.serverName, origin_server_ts: 1, pdus: [pdu as unknown as JsonObject] }
      return (await other.ask(server, 'PUT', `/_matrix/federation/v1/send/p${count++}`, content)).text
    },
    seen: async () => {
      const { body } = await alice.get(`/rooms/${roomId}/messages?dir=b&limit=100`)
      const texts = body.chunk.map(({ content }: { content: { body?: string } }) => content.body)
      return texts.filter((text: unknown) => text !== undefined).reverse()
    },
    stored: async (eventId) => (await server.server.graph.event(eventId as EventId))?.pdu,
  }
}
