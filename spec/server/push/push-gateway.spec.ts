import { expect } from 'chai'
import { updatePosition } from '../../../server/push/pushers.store.ts'
import { write } from '../../../server/storage/database.ts'
import { engines, type TestServer } from '../../support/server.ts'
import { type PushScene, playPushScene, startPushing } from './push-scene.ts'

for (const engine of engines) {
  describe(`pushing to a gateway on ${engine}`, () => {
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
    const ids = () => scene.gateway.taken.map(({ event_id }) => event_id)

    it('tells who said what where, how much is unread, and for which device', async () => {
      expect((await scene.setPusher({}, { brand: 'x' })).status).to.equal(200)
      const eventId = await scene.say('hello')
      const [told] = await scene.gateway.took(1)
      expect(told.devices[0].pushkey_ts).to.be.a('number')
      delete told.devices[0].pushkey_ts
      expect(told).to.deep.equal({
        event_id: eventId,
        room_id: scene.room,
        type: 'm.room.message',
        sender: scene.alice.userId,
        sender_display_name: 'Alice',
        room_name: 'Cakes',
        content: { msgtype: 'm.text', body: 'hello' },
        prio: 'high',
        counts: { unread: 1 },
        devices: [{ app_id: 'test.app', pushkey: 'key', data: { brand: 'x' }, tweaks: { sound: 'default' } }],
      })
    })

    it('tells nothing of what was said to a pusher that wants event ids alone', async () => {
      await scene.setPusher({}, { format: 'event_id_only' })
      const eventId = await scene.say('secret')
      const [told] = await scene.gateway.took(1)
      expect(Object.keys(told).sort()).to.deep.equal(['counts', 'devices', 'event_id', 'prio', 'room_id'])
      expect(told.event_id).to.equal(eventId)
      expect(told.devices[0].data).to.deep.equal({ format: 'event_id_only' })
    })

    it('lets what makes no sound wait, and marks a mention', async () => {
      const carol = await server.register('carol')
      await carol.post(`/rooms/${scene.room}/join`)
      await scene.setPusher()
      await scene.say('to all')
      await scene.say('to you', { 'm.mentions': { user_ids: [scene.bob.userId] } })
      const told = await scene.gateway.took(2)
      expect(told.map(({ prio, devices }) => [prio, devices[0].tweaks])).to.deep.equal([
        ['low', {}],
        ['high', { sound: 'default', highlight: true }],
      ])
    })

    it('tells nothing that the rules silence, of those who are ignored, and of oneself', async () => {
      await scene.setPusher()
      const { alice, bob, room } = scene
      await scene.say('a notice', { msgtype: 'm.notice' })
      await bob.put(`/rooms/${room}/send/m.room.message/own`, { msgtype: 'm.text', body: 'mine' })
      await bob.put(`/user/${bob.userId}/account_data/m.ignored_user_list`, { ignored_users: { [alice.userId]: {} } })
      await scene.say('ignored')
      // Whom one ignores counts when it is read: that has happened once what came after it is told.
      const dora = await server.register('dora')
      await dora.post(`/rooms/${room}/join`)
      const after = await dora.put(`/rooms/${room}/send/m.room.message/after`, { msgtype: 'm.text', body: 'after it' })
      await scene.gateway.took(1)
      await bob.put(`/user/${bob.userId}/account_data/m.ignored_user_list`, { ignored_users: {} })
      await bob.put('/pushrules/global/content/cake', { pattern: 'cake', actions: [] })
      await scene.say('a cake')
      const heard = await scene.say('heard')
      await scene.gateway.took(2)
      expect(ids()).to.deep.equal([after.body.event_id, heard])
    })

    it('tells of an invite', async () => {
      await scene.setPusher()
      const { alice, bob } = scene
      const other = String((await alice.post('/createRoom', { preset: 'private_chat', invite: [bob.userId] })).body.room_id)
      const [told] = await scene.gateway.took(1)
      expect(told).to.include({ room_id: other, type: 'm.room.member', user_is_target: true })
      expect(told.counts).to.deep.equal({ unread: 1 })
    })

    it('counts the unread of all rooms, and tells the badge alone once something is read', async () => {
      await scene.setPusher()
      const { alice, bob } = scene
      const other = String((await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id)
      await bob.post(`/rooms/${other}/join`)
      await alice.put(`/rooms/${other}/send/m.room.message/1`, { msgtype: 'm.text', body: 'there' })
      await scene.gateway.took(1)
      const last = await scene.say('here')
      await scene.gateway.took(2)
      await scene.read(last)
      const told = await scene.gateway.took(3)
      expect(told.map(({ counts }) => counts.unread)).to.deep.equal([1, 2, 1])
      expect(told[2]).to.not.have.any.keys('event_id', 'room_id', 'content', 'sender')
      expect(told[2].devices[0]).to.include({ app_id: 'test.app', pushkey: 'key' })
    })

    it('counts nothing for a pusher that wants no badge', async () => {
      await scene.setPusher({}, { 'org.matrix.msc4076.disable_badge_count': true })
      const first = await scene.say('one')
      await scene.gateway.took(1)
      await scene.read(first)
      const second = await scene.say('two')
      await scene.gateway.took(2)
      expect(ids()).to.deep.equal([first, second])
      expect(scene.gateway.taken.every(({ counts }) => counts === undefined)).to.equal(true)
    })

    it('removes a pusher whose key the gateway rejects', async () => {
      await scene.setPusher()
      scene.gateway.reject('another', 'key')
      await scene.say('hello')
      await scene.gateway.took(1)
      for (;;) if ((await scene.bob.get('/pushers')).body.pushers.length === 0) break
      scene.gateway.reject()
      await scene.say('nobody hears this')
      await scene.setPusher({ pushkey: 'new key' })
      const heard = await scene.say('heard')
      expect((await scene.gateway.took(2))[1].event_id).to.equal(heard)
    })

    it('tries again what a gateway did not take, in order and once', async () => {
      await scene.setPusher()
      scene.gateway.fail(502)
      const first = await scene.say('one')
      const second = await scene.say('two')
      while (scene.gateway.asked() === 0) await new Promise((resolve) => setImmediate(resolve))
      scene.gateway.fail(undefined)
      await scene.gateway.took(2)
      expect(ids()).to.deep.equal([first, second])
    })

    it('tells after a restart what could not be told before, and nothing twice', async () => {
      await scene.setPusher()
      const first = await scene.say('one')
      await scene.gateway.took(1)
      scene.gateway.fail(503)
      const second = await scene.say('two')
      while (scene.gateway.asked() < 2) await new Promise((resolve) => setImmediate(resolve))
      server = await server.restart()
      scene.gateway.fail(undefined)
      await scene.gateway.took(2)
      const { alice, room } = scene
      await server.as(alice.token).put(`/rooms/${room}/send/m.room.message/x`, { msgtype: 'm.text', body: 'three' })
      await scene.gateway.took(3)
      expect(ids().slice(0, 2)).to.deep.equal([first, second])
      expect(new Set(ids()).size).to.equal(3)
    })

    it('tells after a restart nothing that was said before the pusher was set', async () => {
      await scene.say('before it')
      await scene.setPusher()
      server = await server.restart()
      const { alice, room } = scene
      const sent = await server.as(alice.token).put(`/rooms/${room}/send/m.room.message/after`, { msgtype: 'm.text', body: 'after it' })
      await scene.gateway.took(1)
      expect(ids()).to.deep.equal([sent.body.event_id])
    })

    it('tells after a restart what nobody had looked at yet, also to a pusher that was set again since', async () => {
      await scene.setPusher()
      const { database, notifier } = server.server.home
      const position = notifier.position()
      const heard = await scene.say('heard')
      await scene.gateway.took(1)
      await scene.setPusher()
      await database.commit({ writes: [write(updatePosition, position, 'push')] })
      server = await server.restart()
      await scene.gateway.took(2)
      expect(ids()).to.deep.equal([heard, heard])
    })
  })
}
