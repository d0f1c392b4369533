import { eventIdOf, hasRightHash } from '../../../server/core/hashes.ts'
import type { EventId, RoomId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import { roomRules } from '../../../server/core/room-versions.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../peer.ts'
import { type Answered, engines, type TestServer, type TestUser } from '../server.ts'

/** A server with alice's rooms, and two servers that ask about them. */
export type Scene = {
  readonly server: TestServer
  readonly alice: TestUser
  readonly near: Peer
  readonly far: Peer
  readonly makeRoom: (visibility?: string, version?: string) => Promise<RoomId>
  readonly say: (roomId: RoomId, body: string) => Promise<EventId>
  readonly set: (roomId: RoomId, type: string, content: JsonObject, stateKey?: string) => Promise<EventId>
  /** The event of a room's current state. */
  readonly standing: (roomId: RoomId, type: string, stateKey?: string) => Promise<EventId>
}

/** Declares a suite once for each engine, over one server. */
export function forEachScene(name: string, body: (scene: Scene) => void): void {
  for (const engine of engines) {
    describe(`${name} on ${engine}`, () => {
      let among: AmongPeers | undefined
      let alice: TestUser
      let said = 0
      before(async function () {
        among = await startServerWithPeers(2, { engine })
        if (among === undefined) return this.skip()
        alice = await among.server.register('alice')
      })
      after(() => among?.close())

      const set: Scene['set'] = async (roomId, type, content, stateKey = '') =>
        (await alice.put(`/rooms/${roomId}/state/${type}/${encodeURIComponent(stateKey)}`, content)).body.event_id
      body({
        get server() {
          return among!.server
        },
        get alice() {
          return alice
        },
        get near() {
          return among!.peers[0]!
        },
        get far() {
          return among!.peers[1]!
        },
        makeRoom: async (visibility = 'shared', version = '12') => {
          const initial_state = [{ type: 'm.room.history_visibility', state_key: '', content: { history_visibility: visibility } }]
          return (await alice.post('/createRoom', { preset: 'public_chat', room_version: version, initial_state })).body.room_id
        },
        say: async (roomId, text) =>
          (await alice.put(`/rooms/${roomId}/send/m.room.message/${said++}`, { msgtype: 'm.text', body: text })).body.event_id,
        set,
        standing: async (roomId, type, stateKey = '') =>
          (await alice.get(`/rooms/${roomId}/state/${type}/${encodeURIComponent(stateKey)}`, { query: { format: 'event' } })).body.event_id,
      })
    })
  }
}

/** The ids of PDUs, as their room version makes them. */
export function idsOf(pdus: readonly Pdu[], version = '12'): EventId[] {
  return pdus.map((pdu) => eventIdOf(pdu, roomRules(version)!))
}

/** Whether a PDU says what its sender said, or only what a redaction leaves of it. */
export function isWhole(pdu: Pdu, version = '12'): boolean {
  return hasRightHash(pdu, roomRules(version)!)
}

/** Status and code of a refusal. */
export function code({ status, body }: Answered): [number, string | undefined] {
  return [status, body.errcode]
}

/** An error as it was said, to compare it with others. */
export function words({ status, text }: Answered): string {
  return `${status} ${text}`
}
