import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { type Client, startServer, type TestServer } from '../../support/server.ts'

const registration = (of: object) => JSON.stringify({ url: null, namespaces: {}, rate_limited: false, ...of })

describe('application services', () => {
  let folder: string
  let server: TestServer
  let bot: Client
  const bridge = (query: Record<string, string> = {}) => server.as('as-token', query)
  const ghost = { user_id: '@_b_ghost:hs.test' }
  before(async () => {
    folder = temporaryFolder()
    const users = [{ regex: '@_b_.*:hs\\.test', exclusive: true }]
    const files: [string, object][] = [
      ['bridge', { id: 'bridge', as_token: 'as-token', hs_token: 'hs', sender_localpart: 'bridgebot', namespaces: { users } }],
      [
        'puppet',
        {
          id: 'puppet',
          as_token: 'puppet-token',
          hs_token: 'hs',
          sender_localpart: 'puppet',
          namespaces: { users: [{ regex: '@.*', exclusive: false }] },
        },
      ],
    ]
    for (const [name, of] of files) writeFileSync(join(folder, name), registration(of))
    server = await startServer({ config: { appservice_files: files.map(([name]) => join(folder, name)) } })
    bot = bridge()
    await server.register('alice')
  })
  after(async () => {
    await server.close()
    removeFolder(folder)
  })
  const register = (username: string, more: object = {}) =>
    bridge({ user_id: `@${username}:hs.test` }).post('/register', {
      type: 'm.login.application_service',
      username,
      inhibit_login: true,
      ...more,
    })

  it('act as their sender when they name nobody', async () => {
    expect((await bot.get('/account/whoami')).body).to.deep.equal({ user_id: '@bridgebot:hs.test', is_guest: false })
  })
  it('make users of their namespaces before these exist, and hear so the second time', async () => {
    expect((await register('_b_new')).body).to.deep.equal({ user_id: '@_b_new:hs.test', home_server: 'hs.test' })
    const again = await register('_b_new')
    expect([again.status, again.body.errcode]).to.deep.equal([400, 'M_USER_IN_USE'])
    expect((await register('_b_device', { inhibit_login: false })).body.access_token).to.be.a('string')
  })
  it('are told 403 M_FORBIDDEN when they act as a user that they have not registered, also by versions', async () => {
    for (const path of ['/_matrix/client/versions', '/account/whoami']) {
      const { status, body } = await bridge({ user_id: '@_b_unborn:hs.test' }).get(path)
      expect([status, body.errcode], path).to.deep.equal([403, 'M_FORBIDDEN'])
      expect(body.error).to.contain('Application service has not registered this user')
    }
    await register('_b_unborn')
    expect((await bridge({ user_id: '@_b_unborn:hs.test' }).get('/account/whoami')).body.user_id).to.equal('@_b_unborn:hs.test')
  })
  it('act as nobody outside of their namespaces', async () => {
    for (const user_id of ['@alice:hs.test', '@_b_x:elsewhere.test', 'nonsense', '']) {
      expect((await bridge({ user_id }).get('/account/whoami')).status, user_id).to.equal(403)
    }
    expect((await server.as('puppet-token', { user_id: '@alice:hs.test' }).get('/account/whoami')).body.user_id).to.equal('@alice:hs.test')
  })
  it('and users hear M_EXCLUSIVE for names that are not theirs', async () => {
    const outside = await register('alice2')
    expect([outside.status, outside.body.errcode]).to.deep.equal([400, 'M_EXCLUSIVE'])
    expect((await server.anonymous.get('/register/available', { query: { username: 'bridgebot' } })).body.errcode).to.equal('M_EXCLUSIVE')
    const other = await server
      .as('puppet-token')
      .post('/register', { type: 'm.login.application_service', username: '_b_stolen', inhibit_login: true })
    expect(other.body.errcode).to.equal('M_EXCLUSIVE')
  })
  it('need their token to make users', async () => {
    const body = { type: 'm.login.application_service', username: '_b_y' }
    expect((await server.anonymous.post('/register', body)).body.errcode).to.equal('M_MISSING_TOKEN')
    expect((await server.as('wrong').post('/register', body)).body.errcode).to.equal('M_UNKNOWN_TOKEN')
  })
  it('make, rename, use and remove devices without asking anybody', async () => {
    await register('_b_ghost')
    const asGhost = bridge(ghost)
    expect((await asGhost.put('/devices/DEV', { display_name: 'Ghost' })).status).to.equal(201)
    expect((await asGhost.put('/devices/DEV', { display_name: 'Renamed' })).status).to.equal(200)
    for (const name of ['device_id', 'org.matrix.msc3202.device_id']) {
      expect((await bridge({ ...ghost, [name]: 'DEV' }).get('/account/whoami')).body.device_id).to.equal('DEV')
    }
    expect((await asGhost.delete('/devices/DEV')).status).to.equal(200)
    const gone = await bridge({ ...ghost, device_id: 'DEV' }).get('/account/whoami')
    expect([gone.status, gone.body.errcode]).to.deep.equal([400, 'M_UNKNOWN_DEVICE'])
  })
  it('log in as their users and as nobody else', async () => {
    await register('_b_login')
    const login = (user: string) => bot.post('/login', { type: 'm.login.application_service', identifier: { type: 'm.id.user', user } })
    const { body } = await login('_b_login')
    expect((await server.as(body.access_token).get('/account/whoami')).body.user_id).to.equal('@_b_login:hs.test')
    expect((await login('alice')).body.errcode).to.equal('M_EXCLUSIVE')
    expect((await login('_b_never')).body.errcode).to.equal('M_FORBIDDEN')
  })
  it('leave no token in the log', () => {
    expect(server.log()).not.to.match(/as-token|puppet-token/)
  })
})
