import { expect } from 'chai'
import type { Notifier } from '../../../server/storage/notifier.ts'
import { type Body, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { type PushScene, playPushScene, pusher, startPushing } from './push-scene.ts'

for (const engine of engines) {
  describe(`pushers on ${engine}`, () => {
    let server: TestServer
    let scene: PushScene
    before(async function () {
      const started = await startPushing(engine)
      if (!started) return this.skip()
      server = started
      scene = await playPushScene(server)
    })
    after(async () => {
      await scene?.close()
      await server?.close()
    })
    const pushers = async (user: TestUser): Promise<Body[]> => (await user.get('/pushers')).body.pushers
    const keys = async (user: TestUser) => (await pushers(user)).map(({ pushkey }) => pushkey).sort()
    const clear = async (user: TestUser) => {
      for (const { app_id, pushkey } of await pushers(user)) await user.post('/pushers/set', { kind: null, app_id, pushkey })
    }
    afterEach(() => clear(scene.bob))

    it('are listed as they were set, changed under the same key, and deleted with the kind null', async () => {
      const { bob, gateway } = scene
      await scene.setPusher({ profile_tag: 'tag' })
      expect(await pushers(bob)).to.deep.equal([
        {
          ...pusher(gateway, { profile_tag: 'tag' }),
          'org.matrix.msc3881.enabled': true,
          'org.matrix.msc3881.device_id': bob.deviceId,
        },
      ])
      await scene.setPusher({ lang: 'de', 'org.matrix.msc3881.enabled': false })
      expect((await pushers(bob)).map((each) => [each.lang, each['org.matrix.msc3881.enabled']])).to.deep.equal([['de', false]])
      expect((await bob.post('/pushers/set', { kind: null, app_id: 'test.app', pushkey: 'key' })).body).to.deep.equal({})
      expect(await pushers(bob)).to.deep.equal([])
    })

    it('move to the user who sets them last, unless they are appended', async () => {
      const { alice, bob, gateway } = scene
      await scene.setPusher()
      await alice.post('/pushers/set', pusher(gateway, { append: true }))
      expect([await keys(alice), await keys(bob)]).to.deep.equal([['key'], ['key']])
      await alice.post('/pushers/set', pusher(gateway))
      expect([await keys(alice), await keys(bob)]).to.deep.equal([['key'], []])
      await clear(alice)
    })

    it('go with the device that has set them, and its notification settings too', async () => {
      const { bob, gateway } = scene
      const session = await server.server.people.createSession({
        userId: bob.userId,
        deviceId: 'SECOND',
        displayName: undefined,
        refreshable: false,
      })
      const second = server.as(session.accessToken)
      await second.post('/pushers/set', pusher(gateway, { pushkey: 'second' }))
      await scene.setPusher()
      const settings = `/user/${bob.userId}/account_data/org.matrix.msc3890.local_notification_settings.SECOND`
      await bob.put(settings, { is_silenced: true })
      expect(await keys(bob)).to.deep.equal(['key', 'second'])
      await second.post('/logout')
      expect(await keys(bob)).to.deep.equal(['key'])
      expect((await bob.get(settings)).body).to.deep.equal({})
    })

    it('that are switched off tell nothing', async () => {
      const { gateway } = scene
      await scene.setPusher({ 'org.matrix.msc3881.enabled': false })
      await scene.say('not told')
      await scene.setPusher({ pushkey: 'on' })
      const heard = await scene.say('told')
      await gateway.took(1)
      expect(gateway.taken.map((each) => [each.event_id, each.devices[0].pushkey])).to.deep.equal([[heard, 'on']])
    })

    it('tell nothing of what was said before they were set, however late it is read', async () => {
      const { gateway } = scene
      const before = gateway.taken.length
      const { notifier } = server.server.home as { notifier: { rows: Notifier['rows'] } }
      const { rows } = notifier
      const [late, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      notifier.rows = async (...range) => {
        late.resolve()
        await go.promise
        return rows(...range)
      }
      try {
        await scene.say('what is read late')
        await late.promise
        await scene.say('read together with the pusher')
        await scene.setPusher({ pushkey: 'late' })
      } finally {
        notifier.rows = rows
        go.resolve()
      }
      const heard = await scene.say('heard')
      await gateway.took(before + 1)
      expect(gateway.taken.slice(before).map(({ event_id }) => event_id)).to.deep.equal([heard])
    })

    it('come back while their gateway is away, and are told once', async () => {
      const { bob, gateway } = scene
      const before = gateway.taken.length
      await scene.setPusher({ pushkey: 'again' })
      gateway.fail(500)
      const asked = gateway.asked()
      await scene.say('lost with its pusher')
      while (gateway.asked() === asked) await new Promise((resolve) => setImmediate(resolve))
      await bob.post('/pushers/set', { kind: null, app_id: 'test.app', pushkey: 'again' })
      await scene.setPusher({ pushkey: 'again' })
      gateway.fail(undefined)
      const heard = await scene.say('heard')
      const last = await scene.say('and the last')
      while (gateway.taken.at(-1).event_id !== last) await gateway.took(gateway.taken.length + 1)
      const told = gateway.taken.slice(before).map(({ event_id }) => event_id)
      expect(told.filter((id) => id === heard || id === last)).to.deep.equal([heard, last])
    })

    it('of gateways on this machine and without encryption are refused, unless the configuration has it', async () => {
      const strict = await startServer({ engine })
      const carol = await strict!.register('carol')
      const { status, body } = await carol.post('/pushers/set', pusher(scene.gateway))
      expect([status, body.errcode]).to.deep.equal([400, 'M_INVALID_PARAM'])
      await strict!.close()
    })

    it('are refused in words when they cannot be', async () => {
      const refusals = [
        ['M_MISSING_PARAM', { kind: undefined }],
        ['M_INVALID_PARAM', { kind: 'email' }],
        ['M_INVALID_PARAM', { kind: 'pigeon' }],
        ['M_MISSING_PARAM', { app_id: undefined }],
        ['M_INVALID_PARAM', { app_id: 'x'.repeat(65) }],
        ['M_INVALID_PARAM', { pushkey: 'x'.repeat(513) }],
        ['M_INVALID_PARAM', { pushkey: '' }],
        ['M_MISSING_PARAM', { lang: undefined }],
        ['M_BAD_JSON', { lang: 7 }],
        ['M_MISSING_PARAM', { data: undefined }],
        ['M_MISSING_PARAM', { data: {} }],
        ['M_INVALID_PARAM', { data: { url: 'https://push.test/elsewhere' } }],
        ['M_INVALID_PARAM', { data: { url: 'file:///_matrix/push/v1/notify' } }],
        ['M_INVALID_PARAM', { data: { url: 'https://a:b@push.test/_matrix/push/v1/notify' } }],
        ['M_INVALID_PARAM', { data: { url: 'https://push.test/_matrix/push/v1/notify', more: 'x'.repeat(20_000) } }],
        ['M_BAD_JSON', { 'org.matrix.msc3881.enabled': 'yes' }],
      ] as const
      for (const [errcode, more] of refusals) {
        const { status, body } = await scene.setPusher(more)
        expect([status, body.errcode], JSON.stringify(more).slice(0, 80)).to.deep.equal([400, errcode])
      }
      expect(await pushers(scene.bob)).to.deep.equal([])
    })
  })
}
