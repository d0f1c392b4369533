import { expect } from 'chai'
import { verifySignature } from '../../../server/core/signatures.ts'
import { unstableFeatures } from '../../../server/discovery/features.ts'
import { startServer, type TestServer } from '../../support/server.ts'

describe('discovery', () => {
  let server: TestServer
  before(async () => {
    server = await startServer()
  })
  after(() => server.close())

  it('lists every version up to 1.19, with a token and without', async () => {
    const { body } = await server.anonymous.get('/_matrix/client/versions')
    expect(body.versions).to.include.members(['r0.0.1', 'r0.6.1', 'v1.1', 'v1.4', 'v1.11', 'v1.19'])
    expect((await server.as('no token').get('/_matrix/client/versions')).status).to.equal(401)
  })
  it('says what it is beside its versions, and whether it previews links', async () => {
    const { body } = await server.anonymous.get('/_matrix/client/versions')
    expect(body.unstable_features['net.zemos.msc4383']).to.equal(true)
    expect(body['net.zemos.msc4383.server']).to.deep.equal((await server.anonymous.get('/_matrix/federation/v1/version')).body.server)
    const { capabilities } = (await (await server.register('previewer')).get('/capabilities')).body
    expect(capabilities['io.element.msc4452.preview_url']).to.deep.equal({ enabled: false })
  })
  it('shows a flag only with the path that it stands for', () => {
    expect(unstableFeatures([])).not.to.have.property('uk.tcpip.msc4133')
    const paths = ['/_matrix/client/unstable/uk.tcpip.msc4133/profile/{anyone}/{anything}']
    expect(unstableFeatures(paths)).to.include({ 'uk.tcpip.msc4133': true, 'io.element.e2ee_forced.public': false })
  })
  it('tells clients and servers where it is reached', async () => {
    const client = await server.anonymous.get('/.well-known/matrix/client')
    expect(client.body).to.deep.equal({ 'm.homeserver': { base_url: 'https://hs.test/' } })
    expect((await server.anonymous.get('/.well-known/matrix/server')).body).to.deep.equal({ 'm.server': 'hs.test:443' })
  })
  it('offers all room versions, and names the default', async () => {
    const alice = await server.register('alice')
    const { capabilities } = (await alice.get('/capabilities')).body
    const versions = Array.from({ length: 12 }, (_, at) => [String(at + 1), 'stable'])
    expect(capabilities['m.room_versions'].available).to.deep.equal(Object.fromEntries(versions))
    expect(capabilities['m.room_versions'].default).to.equal('12')
    expect(capabilities['m.change_password']).to.deep.equal({ enabled: true })
  })
  it('publishes its key, signed by itself', async () => {
    const { body } = await server.anonymous.get('/_matrix/key/v2/server')
    const [keyId, { key }] = Object.entries<{ key: string }>(body.verify_keys)[0]!
    expect(body.server_name).to.equal('hs.test')
    expect(body.valid_until_ts).to.be.above(Date.now())
    expect(verifySignature(body, 'hs.test', keyId, key)).to.equal(true)
  })
  it('names itself', async () => {
    const { body } = await server.anonymous.get('/_matrix/federation/v1/version')
    expect(body.server.name).to.equal('Tombolo')
    expect(body.server.version).to.match(/^\d+\.\d+\.\d+/)
  })
})
