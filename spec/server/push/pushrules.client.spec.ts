import { expect } from 'chai'
import { basePushRules } from '../../../server/core/push-rules.ts'
import { engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) {
  describe(`push rules on ${engine}`, () => {
    let server: TestServer
    let alice: TestUser
    let people = 0
    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
    })
    after(() => server?.close())
    beforeEach(async () => {
      alice = await server.register(`alice${++people}`)
    })

    const master = '/pushrules/global/override/.m.rule.master'

    it('are the predefined ones at first, with a slash at the end and without', async () => {
      const expected = JSON.parse(JSON.stringify(basePushRules(alice.userId)))
      expect((await alice.get('/pushrules/')).body).to.deep.equal({ global: expected })
      expect((await alice.get('/pushrules')).body).to.deep.equal({ global: expected })
      expect((await alice.get('/pushrules/global/')).body).to.deep.equal(expected)
      expect((await alice.get(master)).body).to.deep.equal(expected.override[0])
    })

    it('are added, changed, switched and deleted one by one', async () => {
      const path = '/pushrules/global/content/cake'
      expect((await alice.put(path, { pattern: 'cake', actions: ['notify'] })).body).to.deep.equal({})
      const made = { rule_id: 'cake', default: false, enabled: true, actions: ['notify'], pattern: 'cake' }
      expect((await alice.get(path)).body).to.deep.equal(made)
      await alice.put(`${path}/enabled`, { enabled: false })
      await alice.put(`${path}/actions`, { actions: [] })
      expect((await alice.get(`${path}/enabled`)).body).to.deep.equal({ enabled: false })
      expect((await alice.get(`${path}/actions`)).body).to.deep.equal({ actions: [] })
      await alice.delete(path)
      const { status, body } = await alice.get(path)
      expect([status, body['errcode']]).to.deep.equal([404, 'M_NOT_FOUND'])
    })

    it('wake a sync when they change', async () => {
      const { body } = await alice.get('/sync')
      const poll = alice.get('/sync', { query: { since: body['next_batch'], timeout: '170000' } })
      await alice.put(`${master}/enabled`, { enabled: true })
      const { body: next } = await poll
      const [event] = next['account_data'].events
      expect([event.type, event.content.global.override[0].enabled]).to.deep.equal(['m.push_rules', true])
    })

    it('are of each user alone, and stay over a restart', async () => {
      const bob = await server.register(`bob${people}`)
      await alice.put(`${master}/enabled`, { enabled: true })
      server = await server.restart()
      expect((await server.as(alice.token).get(`${master}/enabled`)).body).to.deep.equal({ enabled: true })
      expect((await server.as(bob.token).get(`${master}/enabled`)).body).to.deep.equal({ enabled: false })
    })

    it('are refused with the right code', async () => {
      const refused: [Promise<{ status: number; body: Record<string, unknown> }>, number, string][] = [
        [alice.get('/pushrules/global/nonsense/x'), 400, 'M_INVALID_PARAM'],
        [alice.put('/pushrules/global/override/.mine', { actions: [] }), 400, 'M_INVALID_PARAM'],
        [alice.put('/pushrules/global/override/mine', {}), 400, 'M_MISSING_PARAM'],
        [alice.put('/pushrules/global/override/mine', { actions: 'notify' }), 400, 'M_BAD_JSON'],
        [alice.put(`${master}/enabled`, {}), 400, 'M_BAD_JSON'],
        [alice.put('/pushrules/global/override/none/enabled', { enabled: true }), 404, 'M_NOT_FOUND'],
        [alice.delete(master), 400, 'M_INVALID_PARAM'],
        [server.anonymous.get('/pushrules/'), 401, 'M_MISSING_TOKEN'],
      ]
      for (const [answer, status, errcode] of refused) {
        const got = await answer
        expect([got.status, got.body['errcode']]).to.deep.equal([status, errcode])
      }
    })
  })
}
