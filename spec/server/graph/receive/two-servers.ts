import type { EventId, RoomId } from '../../../../server/core/ids.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import type { UnsignedPdu } from '../../../../server/core/pdu.ts'
import { roomRules } from '../../../../server/core/room-versions.ts'
import { hashAndSignPdu } from '../../../../server/core/signatures.ts'
import type { Received, Template } from '../../../../server/graph/graph.ts'
import { startNeighbours } from '../../../support/federation.ts'
import type { Engine, TestServer, TestUser } from '../../../support/server.ts'

export type Side = { readonly server: TestServer; readonly user: TestUser; readonly name: string }

/** Two servers with a room that both are in; what one says reaches the other only when it is carried there. */
export type TwoServers = {
  readonly alice: Side
  readonly bob: Side
  readonly room: RoomId
  /** Gives events of one side to the other, as that side's server would send them. */
  readonly carry: (from: Side, ...eventIds: string[]) => Promise<ReadonlyMap<EventId, Received>>
  readonly say: (side: Side, text: string) => Promise<string>
  readonly setState: (side: Side, type: string, stateKey: string, content: JsonObject) => Promise<string>
  /** Which event stands where, as a side has it. */
  readonly state: (side: Side) => Promise<Record<string, string>>
  /** The bodies of the messages that a side's user sees, oldest first. */
  readonly sees: (side: Side) => Promise<string[]>
  readonly close: () => Promise<void>
}

/** Alice has made the room, Bob has joined it from the other server. */
export async function startTwoServers(version = '12', powers: Record<string, number> = {}): Promise<TwoServers> {
  return (await startTwoServersOn('sqlite', version, powers)) as TwoServers
}

/** The same on an engine; undefined for PostgreSQL where there is none. */
export async function startTwoServersOn(
  engine: Engine,
  version: string,
  powers: Record<string, number> = {},
): Promise<TwoServers | undefined> {
  const neighbours = await startNeighbours(2, engine, ({ url }) => !url.includes('/federation/v1/send/'))
  if (neighbours === undefined) return undefined
  const [one, two] = neighbours.servers as [TestServer, TestServer]
  const alice = sideOf(one, await one.register('alice'))
  const bob = sideOf(two, await two.register('bob'))
  const users = Object.fromEntries(
    Object.entries(powers).map(([name, power]) => [name === 'bob' ? bob.user.userId : alice.user.userId, power]),
  )
  const made = await alice.user.post('/createRoom', {
    preset: 'public_chat',
    room_version: version,
    power_level_content_override: { users: version === '12' ? users : { [alice.user.userId]: 100, ...users } },
  })
  const room = made.body.room_id as RoomId
  await bob.user.post(`/join/${room}?via=${alice.name}`, {})
  let count = 0
  const send = async ({ user }: Side, path: string, body: unknown) => {
    const sent = await user.put(path, body)
    if (sent.status !== 200) throw new Error(sent.text)
    return sent.body.event_id as string
  }
  return {
    alice,
    bob,
    room,
    carry: async (from, ...eventIds) => {
      const to = from === alice ? bob : alice
      const pdus: JsonObject[] = []
      for (const eventId of eventIds) pdus.push(await pduOf(from, eventId))
      return to.server.server.graph.receive(from.name, room, pdus)
    },
    say: (side, text) => send(side, `/rooms/${room}/send/m.room.message/${count++}`, { msgtype: 'm.text', body: text }),
    setState: (side, type, stateKey, content) => send(side, `/rooms/${room}/state/${type}/${stateKey}`, content),
    state: async ({ user }) => {
      const { body } = await user.get(`/rooms/${room}/state`)
      return Object.fromEntries(body.map((event: JsonObject) => [`${event['type']} ${event['state_key']}`, event['event_id']]).sort())
    },
    sees: async ({ user }) => {
      const { body } = await user.get(`/rooms/${room}/messages?dir=b&limit=100`)
      return body.chunk
        .filter(({ type }: { type: string }) => type === 'm.room.message')
        .map(({ content }: { content: { body?: string } }) => content.body ?? '')
        .reverse()
    },
    close: () => neighbours.close(),
  }
}

function sideOf(server: TestServer, user: TestUser): Side {
  return { server, user, name: server.config.server_name }
}

/** An event as its server has it. */
export async function pduOf({ server }: Side, eventId: string): Promise<JsonObject> {
  const event = await server.server.graph.event(eventId as EventId)
  if (event === undefined) throw new Error(`there is no ${eventId}`)
  return event.pdu as unknown as JsonObject
}

/** An event of a server that says of itself what it likes. */
export async function craft(side: Side, room: RoomId, template: Template, over: Partial<UnsignedPdu> = {}): Promise<JsonObject> {
  const { home, graph } = side.server.server
  const { version, event } = await graph.propose(room, template, [side.name])
  return hashAndSignPdu({ ...event, ...over }, roomRules(version)!, side.name, home.signingKey).pdu as unknown as JsonObject
}

type Asked = { readonly uri: string; readonly destination: string }

/** What a server is answered from now on where it asks for a path that holds a word (of one server, if that is named), until what is given is called. */
export function answers(side: Side, word: string, body: JsonObject | ((real: JsonObject) => JsonObject), from?: string): () => void {
  const peers = side.server.server.home.peers as unknown as { fetchJson: (of: Asked) => Promise<{ body: JsonObject }> }
  const real = peers.fetchJson
  peers.fetchJson = async (of) => {
    if (!of.uri.includes(word) || (from !== undefined && of.destination !== from)) return real.call(peers, of)
    if (typeof body === 'object') return { ok: true, status: 200, headers: {}, body }
    const answer = await real.call(peers, of)
    return { ...answer, body: body(answer.body) }
  }
  return () => {
    peers.fetchJson = real
  }
}
