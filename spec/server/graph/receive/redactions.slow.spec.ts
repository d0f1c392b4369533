import { expect } from 'chai'
import type { EventId } from '../../../../server/core/ids.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import type { Pdu } from '../../../../server/core/pdu.ts'
import { roomRules } from '../../../../server/core/room-versions.ts'
import { idOf } from '../../../../server/graph/receive/check-incoming.ts'
import { createHomeserver, type Homeserver } from '../../../../server/homeserver.ts'
import { createLog } from '../../../../server/http/log.ts'
import type { Database, Part } from '../../../../server/storage/database.ts'
import { craft, startTwoServersOn, type TwoServers } from './two-servers.ts'

const version = '11'
const idOfPdu = (pdu: JsonObject): EventId => idOf(pdu as unknown as Pdu, roomRules(version)!) as EventId

describe('redactions of events that are not here', () => {
  let town: TwoServers | undefined
  let second: Homeserver | undefined
  afterEach(async () => {
    await second?.close()
    await town?.close()
    town = second = undefined
  })

  const redacting = ({ alice, room }: TwoServers, eventId: string, over = {}) =>
    craft(alice, room, { type: 'm.room.redaction', sender: alice.user.userId, content: { redacts: eventId } }, over)
  const message = ({ alice, room }: TwoServers, body: string, over = {}) =>
    craft(alice, room, { type: 'm.room.message', sender: alice.user.userId, content: { msgtype: 'm.text', body } }, over)

  it('leave the room without a fork, however many of them lie upon each other', async () => {
    const here = await start('sqlite')
    const { alice, bob, room } = here
    let last = await redacting(here, '$0')
    const all = [last]
    for (let at = 1; at < 150; at++) {
      last = await redacting(here, `$${at}`, { prev_events: [idOfPdu(last)], depth: Number(last['depth']) + 1 })
      all.push(last)
    }
    const next = await message(here, 'next', { prev_events: [idOfPdu(last)], depth: Number(last['depth']) + 1 })
    const { graph } = bob.server.server
    expect(new Set((await graph.receive(alice.name, room, all)).values())).to.deep.equal(new Set(['soft-failed']))
    expect([...(await graph.receive(alice.name, room, [next])).values()]).to.deep.equal(['accepted'])
    expect((await graph.room(room))?.extremities).to.deep.equal([idOfPdu(next)])
  })

  for (const first of ['target', 'redaction'] as const) {
    it(`redact these where another process takes the ${first} in at the same moment`, async function () {
      const here = await start('postgres')
      if (here === undefined) return this.skip()
      const { alice, bob, room } = here
      second = await createHomeserver(bob.server.config, { log: createLog({ level: 'error', format: 'text', write: () => undefined }) })
      const said = await message(here, 'said')
      const redaction = await redacting(here, idOfPdu(said))
      const [early, late] = first === 'target' ? [said, redaction] : [redaction, said]
      const held = holdNext(bob.server.server.home.database, idOfPdu(late))
      const taken = bob.server.server.graph.receive(alice.name, room, [late])
      await held.reached
      await second.graph.receive(alice.name, room, [early])
      held.release()
      await taken
      const { status, body } = await bob.user.get(`/rooms/${room}/event/${idOfPdu(said)}`)
      expect([status, body.content, body.unsigned?.redacted_because?.event_id]).to.deep.equal([200, {}, idOfPdu(redaction)])
      expect((await bob.user.get(`/rooms/${room}/event/${idOfPdu(redaction)}`)).status).to.equal(200)
    })
  }

  async function start(engine: 'sqlite'): Promise<TwoServers>
  async function start(engine: 'postgres'): Promise<TwoServers | undefined>
  async function start(engine: 'sqlite' | 'postgres'): Promise<TwoServers | undefined> {
    town = await startTwoServersOn(engine, version, { bob: 0 })
    return town
  }
})

/** Holds up the first part that writes of an event, until it is released. */
function holdNext(database: Database, eventId: EventId): { readonly reached: Promise<void>; readonly release: () => void } {
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const open = database as { commit: Database['commit'] }
  const real = database.commit
  open.commit = async (part: Part) => {
    const isIts = part.writes.some(({ parameters }) => parameters[0] === eventId && parameters.length > 10)
    if (isIts) {
      open.commit = real
      reached.resolve()
      await released.promise
    }
    return real.call(database, part)
  }
  return { reached: reached.promise, release: released.resolve }
}
