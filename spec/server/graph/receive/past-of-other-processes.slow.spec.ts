import { expect } from 'chai'
import type { EventId, RoomId } from '../../../../server/core/ids.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import { createHomeserver, type Homeserver } from '../../../../server/homeserver.ts'
import { createLog } from '../../../../server/http/log.ts'
import { answers, pduOf, startTwoServersOn, type TwoServers } from './two-servers.ts'

describe('what one process of a server takes out of history', () => {
  let town: TwoServers
  let second: Homeserver
  let room: RoomId
  let topic: EventId
  before(async function () {
    const started = await startTwoServersOn('postgres', '11', { bob: 0 })
    if (started === undefined) return this.skip()
    town = started
    const log = createLog({ level: 'error', format: 'text', write: () => undefined })
    second = await createHomeserver(town.bob.server.config, { log })
  })
  after(async () => {
    await second?.close()
    await town?.close()
  })
  beforeEach(async () => {
    const { user } = town.alice
    room = (await user.post('/createRoom', { preset: 'public_chat', room_version: '11', topic: 'the topic' })).body.room_id
    topic = (await user.get(`/rooms/${room}/state/m.room.topic/?format=event`)).body.event_id
  })

  /** Bob comes in, and is given a topic of this form; which both processes then have. */
  const enterWith = async (form: (pdu: JsonObject) => JsonObject) => {
    const given = (pdu: JsonObject) => (pdu['type'] === 'm.room.topic' ? form(pdu) : pdu)
    const end = answers(town.bob, '/send_join/', (real) => ({ ...real, state: (real['state'] as JsonObject[]).map(given) }))
    await town.bob.user.post(`/join/${room}?via=${town.alice.name}`, {}).finally(end)
    await level()
    return (await shown())[1]
  }
  const level = () => second.home.notifier.reached(town.bob.server.server.home.notifier.position(), 60_000)
  /** The topic, as both processes have it. */
  const shown = async () => {
    const views = await Promise.all([town.bob.server.server, second].map(({ graph }) => graph.room(room)))
    return views.map((view) => view?.state('m.room.topic', '')?.pdu.content['topic'])
  }
  const page = async () => {
    await town.bob.user.get(`/rooms/${room}/messages?dir=b&limit=100`)
    await level()
  }

  it('and was redacted there is redacted in the others', async () => {
    const { alice, bob } = town
    const whole = await pduOf(alice, topic)
    await alice.user.put(`/rooms/${room}/redact/${topic}/1`, {})
    expect(await enterWith(() => whole)).to.equal('the topic')
    await page()
    expect((await bob.user.get(`/rooms/${room}/event/${topic}`)).body.content).to.deep.equal({})
    expect(await shown()).to.deep.equal([undefined, undefined])
  })

  it('and had come in parts is whole in the others', async () => {
    expect(await enterWith((pdu) => ({ ...pdu, content: {} }))).to.equal(undefined)
    await page()
    expect(await shown()).to.deep.equal(['the topic', 'the topic'])
  })
})
