import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import { networks } from '../../../config/bridge-schema.ts'
import { startServer, type TestServer } from '../../support/server.ts'

/**
 * "Application services SHOULD use a string starting with an underscore": the networks' bridges believe what ghosts of one another say, so nobody may be one,
 * also where the bridge of a network is not installed. https://spec.matrix.org/v1.19/application-service-api/#registration
 */
describe('the names of the bots and ghosts of bridges that are not installed', () => {
  let server: TestServer
  before(async () => {
    server = await startServer({ config: { registration: { open: true, shared_secret: 'the secret' } } })
  })
  after(() => server.close())

  const taken = networks.flatMap((network) => [
    `_${network}_bot`,
    `_${network}_${'b'.repeat(26)}`,
    `_${network}_`,
    `_${network.toUpperCase()}_bot`,
  ])

  it('are nobody’s who registers', async () => {
    for (const username of taken) {
      const body = { username, password: 'secret', auth: { type: 'm.login.dummy' } }
      const made = await server.anonymous.post('/register', body)
      expect([made.status, made.body.errcode], username).to.deep.equal([400, 'M_INVALID_USERNAME'])
      const asked = await server.anonymous.get('/register/available', { query: { username } })
      expect(asked.body.errcode, username).to.equal('M_INVALID_USERNAME')
    }
  })

  it('are not given by the shared secret either', async () => {
    const path = '/_synapse/admin/v1/register'
    for (const username of taken) {
      const { nonce } = (await server.anonymous.get(path)).body
      const mac = createHmac('sha1', 'the secret').update([nonce, username, 'pw', 'notadmin'].join('\0')).digest('hex')
      const made = await server.anonymous.post(path, { nonce, username, password: 'pw', admin: false, mac })
      expect([made.status, made.body.errcode], username).to.deep.equal([400, 'M_INVALID_USERNAME'])
    }
  })

  it('are found nowhere, so that nobody can log in as one', async () => {
    for (const network of networks) {
      const user = `@_${network}_bot:hs.test`
      const body = { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password: 'secret' }
      expect((await server.anonymous.post('/login', body)).status, network).to.equal(403)
    }
  })
})
