import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { TestServer, TestUser } from '../../support/server.ts'
import { hsToken, registration, serverWith } from '../appservice/fake-bridge.ts'

describe('networks behind application services', () => {
  let service: Server
  let server: TestServer
  let alice: TestUser
  let asked: string[]
  let answers: Map<string, unknown>

  before(async () => {
    service = createServer((request, response) => {
      const path = request.url ?? ''
      asked.push(path)
      const answer = request.headers.authorization === `Bearer ${hsToken}` ? answers.get(path) : undefined
      response.statusCode = answer === undefined ? 404 : 200
      response.end(typeof answer === 'string' ? answer : JSON.stringify(answer ?? { errcode: 'M_UNRECOGNIZED' }))
    })
    await once(service.listen(0, '127.0.0.1'), 'listening')
    server = await serverWith(registration(`http://127.0.0.1:${(service.address() as AddressInfo).port}`, { protocols: ['sms'] }))
    alice = await server.register('alice')
  })
  beforeEach(() => {
    asked = []
    answers = new Map()
  })
  after(async () => {
    await server.close()
    service.close()
  })

  const about = { user_fields: ['number'], location_fields: ['inbox'], icon: 'mxc://a/b', field_types: {}, instances: [] }
  const found = { userid: '@bridge_1:hs.test', protocol: 'sms', fields: { number: '1' } }

  it('are described by those who bridge them, at the path of today or of old', async () => {
    answers.set('/_matrix/app/unstable/thirdparty/protocol/sms', about)
    expect((await alice.get('/thirdparty/protocols')).body).to.deep.equal({ sms: about })
    answers.set('/_matrix/app/v1/thirdparty/protocol/sms', { ...about, icon: 'mxc://a/c' })
    expect((await alice.get('/thirdparty/protocol/sms')).body.icon).to.equal('mxc://a/c')
    expect((await alice.get('/thirdparty/protocol/fax')).body.errcode).to.equal('M_NOT_FOUND')
  })

  it('have instances under ids by which their rooms are asked for', async () => {
    const instances = [{ network_id: 'town', desc: 'SMS of the town', fields: {} }]
    answers.set('/_matrix/app/v1/thirdparty/protocol/sms', { ...about, instances })
    const { body } = await alice.get('/thirdparty/protocol/sms')
    expect(body.instances).to.deep.equal([{ ...instances[0], instance_id: 'bridge|town' }])
  })

  it('find users and places by their fields or ids', async () => {
    answers.set('/_matrix/app/v1/thirdparty/user/sms?number=1', [found, { userid: 7 }, null])
    expect((await alice.get('/thirdparty/user/sms', { query: { number: '1' } })).body).to.deep.equal([found])
    answers.set('/_matrix/app/v1/thirdparty/user?userid=%40bridge_1%3Ahs.test', [found])
    expect((await alice.get('/thirdparty/user', { query: { userid: found.userid } })).body).to.deep.equal([found])
    const place = { alias: '#bridge_x:hs.test', protocol: 'sms', fields: {} }
    answers.set('/_matrix/app/v1/thirdparty/location/sms', [place])
    expect((await alice.get('/thirdparty/location/sms')).body).to.deep.equal([place])
    expect((await alice.get('/thirdparty/location', { query: { alias: '#none:hs.test' } })).status).to.equal(404)
    expect((await alice.get('/thirdparty/location')).body.errcode).to.equal('M_MISSING_PARAM')
    expect((await alice.get('/thirdparty/user/fax')).status).to.equal(404)
  })

  it('are as good as silent when they answer nonsense', async () => {
    for (const nonsense of ['not json', '[[]]', '7', 'null', '{"instances":{}}']) {
      answers.set('/_matrix/app/v1/thirdparty/protocol/sms', nonsense)
      answers.set('/_matrix/app/v1/thirdparty/user/sms', nonsense)
      expect((await alice.get('/thirdparty/protocols')).status, nonsense).to.equal(200)
      expect((await alice.get('/thirdparty/user/sms')).body, nonsense).to.deep.equal([])
    }
  })
})
