import { type Body, type Engine, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { type PushGateway, startPushGateway } from './stand-in-gateway.ts'

/** Alice and bob in a room of theirs, and a gateway that bob's pusher tells. */
export type PushScene = {
  readonly server: TestServer
  readonly gateway: PushGateway
  readonly alice: TestUser
  readonly bob: TestUser
  readonly room: string
  readonly say: (body: string, more?: object) => Promise<string>
  readonly setPusher: (more?: object, data?: object) => Promise<{ status: number; body: Body }>
  readonly read: (eventId: string, body?: object) => Promise<void>
  readonly close: () => Promise<void>
}

/** A server that pushes to gateways on this machine; undefined where there is no PostgreSQL. */
export async function startPushing(engine: Engine): Promise<TestServer | undefined> {
  return startServer({ engine, config: { push: { allow_private_addresses: true } } })
}

let scenes = 0

/** A scene of its own on a server. */
export async function playPushScene(server: TestServer): Promise<PushScene> {
  scenes++
  const gateway = await startPushGateway()
  const alice = await server.register(`alice${scenes}`)
  const bob = await server.register(`bob${scenes}`)
  await alice.put(`/profile/${alice.userId}/displayname`, { displayname: 'Alice' })
  const room = String((await alice.post('/createRoom', { preset: 'public_chat', name: 'Cakes' })).body.room_id)
  await bob.post(`/rooms/${room}/join`)
  let said = 0
  return {
    server,
    gateway,
    alice,
    bob,
    room,
    say: async (body, more = {}) => {
      const sent = await alice.put(`/rooms/${room}/send/m.room.message/${said++}`, { msgtype: 'm.text', body, ...more })
      return String(sent.body.event_id)
    },
    setPusher: (more = {}, data = {}) => bob.post('/pushers/set', pusher(gateway, more, data)),
    read: async (eventId, body = {}) => void (await bob.post(`/rooms/${room}/receipt/m.read/${eventId}`, body)),
    close: gateway.close,
  }
}

/** The body that sets a pusher for a gateway. */
export function pusher({ url }: PushGateway, more: object = {}, data: object = {}): object {
  return {
    kind: 'http',
    app_id: 'test.app',
    pushkey: 'key',
    app_display_name: 'App',
    device_display_name: 'Phone',
    lang: 'en',
    data: { url, ...data },
    ...more,
  }
}
