import { expect } from 'chai'
import { startServer, type TestServer } from '../../support/server.ts'

describe('what is known of a server by its name', () => {
  let server: TestServer
  afterEach(() => server.close())
  const get = (name: string) => server.anonymous.get(`/.well-known/matrix/${name}`)

  it('is where to get help, when it is configured', async () => {
    const support_contacts = [
      { role: 'm.role.admin' as const, matrix_id: '@admin:hs.test', email_address: undefined },
      { role: 'm.role.security' as const, matrix_id: undefined, email_address: undefined },
    ]
    server = await startServer({
      config: { well_known: { support_page: 'https://hs.test/help', support_contacts, policy_server_key: 'a key' } },
    })
    const { body, headers } = await get('support')
    expect(body).to.deep.equal({
      contacts: [{ role: 'm.role.admin', matrix_id: '@admin:hs.test' }],
      support_page: 'https://hs.test/help',
    })
    expect(headers.get('access-control-allow-origin')).to.equal('*')
    expect((await get('policy_server')).body).to.deep.equal({ public_keys: { ed25519: 'a key' } })
  })
  it('is where calls meet, when there is such a place', async () => {
    server = await startServer({ config: { livekit_service_url: 'https://calls.test/' } })
    const { body } = await get('client')
    expect(body['org.matrix.msc4143.rtc_foci']).to.deep.equal([{ type: 'livekit', livekit_service_url: 'https://calls.test/' }])
  })
  it('is not found when it is not', async () => {
    server = await startServer()
    for (const name of ['support', 'policy_server']) {
      const { status, body } = await get(name)
      expect([status, body.errcode], name).to.deep.equal([404, 'M_NOT_FOUND'])
    }
  })
})
