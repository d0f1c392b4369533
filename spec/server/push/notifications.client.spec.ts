import { expect } from 'chai'
import { engines, type TestServer } from '../../support/server.ts'
import { type PushScene, playPushScene, startPushing } from './push-scene.ts'

for (const engine of engines) {
  describe(`the list of notifications on ${engine}`, () => {
    let server: TestServer
    let scene: PushScene
    before(async function () {
      const started = await startPushing(engine)
      if (!started) return this.skip()
      server = started
    })
    after(() => server?.close())
    beforeEach(async () => {
      scene = await playPushScene(server)
    })
    afterEach(() => scene.close())
    const list = async (query: Record<string, string> = {}) => (await scene.bob.get('/notifications', { query })).body
    const mention = () => ({ 'm.mentions': { user_ids: [scene.bob.userId] } })

    it('has what notified, the newest first, of all rooms, with what was read', async () => {
      const { alice, bob } = scene
      const other = String((await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id)
      await bob.post(`/rooms/${other}/join`)
      const first = await scene.say('one')
      const there = String((await alice.put(`/rooms/${other}/send/m.room.message/1`, { msgtype: 'm.text', body: 'there' })).body.event_id)
      const gone = await scene.say('redacted')
      await alice.put(`/rooms/${scene.room}/redact/${gone}/1`, {})
      await scene.say('a notice', { msgtype: 'm.notice' })
      const last = await scene.say('last', mention())
      await scene.read(first)
      const { notifications, next_token } = await list()
      expect(
        notifications.map((each: { event: { event_id: string }; read: boolean; room_id: string }) => [
          each.event.event_id,
          each.read,
          each.room_id,
        ]),
      ).to.deep.equal([
        [last, false, scene.room],
        [there, false, other],
        [first, true, scene.room],
      ])
      expect(next_token).to.equal(undefined)
      expect(notifications[0].actions).to.deep.equal(['notify', { set_tweak: 'sound', value: 'default' }, { set_tweak: 'highlight' }])
      expect(notifications[0].ts).to.be.a('number')
    })

    it('has nothing that was said before one came, or while one was away', async () => {
      const { alice, bob } = scene
      const other = String((await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id)
      const say = async (id: string): Promise<string> =>
        (await alice.put(`/rooms/${other}/send/m.room.message/${id}`, { msgtype: 'm.text', body: id })).body.event_id
      await say('before')
      await bob.post(`/rooms/${other}/join`)
      const first = await say('first')
      await bob.post(`/rooms/${other}/leave`)
      await say('away')
      await bob.post(`/rooms/${other}/join`)
      const last = await say('last')
      const { notifications } = await list()
      expect(notifications.map((each: { event: { event_id: string } }) => each.event.event_id)).to.deep.equal([last, first])
    })

    it('is read in pages, or only what was highlighted', async () => {
      const said: string[] = []
      for (let n = 0; n < 5; n++) said.unshift(await scene.say(`${n}`, n % 2 === 0 ? mention() : {}))
      const paged: string[] = []
      let from: string | undefined
      do {
        const page = await list({ limit: '2', ...(from === undefined ? {} : { from }) })
        paged.push(...page.notifications.map((each: { event: { event_id: string } }) => each.event.event_id))
        from = page.next_token
      } while (from !== undefined)
      expect(paged).to.deep.equal(said)
      const loud = await list({ only: 'highlight' })
      expect(loud.notifications.map((each: { event: { event_id: string } }) => each.event.event_id)).to.deep.equal([
        said[0],
        said[2],
        said[4],
      ])
    })

    it('refuses a token and a limit that are none', async () => {
      const wrong: Record<string, string>[] = [{ from: 'x' }, { from: 'n1_' }, { limit: '-1' }, { limit: 'many' }]
      for (const query of wrong) {
        const { status, body } = await scene.bob.get('/notifications', { query })
        expect([status, body.errcode]).to.deep.equal([400, 'M_INVALID_PARAM'])
      }
    })
  })
}
