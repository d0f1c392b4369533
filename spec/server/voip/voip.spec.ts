import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import { startServer } from '../../support/server.ts'

const transports = '/_matrix/client/unstable/org.matrix.msc4143/rtc/transports'
const uris = ['turn:turn.hs.test?transport=udp']

describe('calls', () => {
  it('have no relays and no places where none are configured', async () => {
    const server = await startServer()
    try {
      const alice = await server.register('alice')
      expect((await alice.get('/voip/turnServer')).body).to.deep.equal({})
      expect((await alice.get(transports)).body).to.deep.equal({ rtc_transports: [] })
      expect((await server.anonymous.get(transports)).status).to.equal(401)
      expect((await server.anonymous.get('/voip/turnServer')).status).to.equal(401)
      expect((await alice.get('/_matrix/client/versions')).body.unstable_features).to.include({ 'org.matrix.msc4143': true })
    } finally {
      await server.close()
    }
  })

  it('have a password for each user for a while, that the TURN server can check, and a place', async () => {
    const turn = { uris, shared_secret: 'of the relay', lifetime: 3_600_000 }
    const livekit_service_url = 'https://calls.hs.test/'
    const server = await startServer({ config: { turn, livekit_service_url } })
    try {
      const alice = await server.register('alice')
      const { body } = await alice.get('/voip/turnServer')
      expect(body).to.deep.include({ uris, ttl: 3600 })
      const [ends, ...user] = body.username.split(':')
      expect(user.join(':')).to.equal(alice.userId)
      expect(Number(ends) * 1000).to.be.greaterThan(Date.now())
      expect(body.password).to.equal(createHmac('sha1', 'of the relay').update(body.username).digest('base64'))
      expect((await alice.get(transports)).body.rtc_transports).to.deep.equal([{ type: 'livekit', livekit_service_url }])
    } finally {
      await server.close()
    }
  })

  it('have one name for all where the TURN server has no secret', async () => {
    const server = await startServer({ config: { turn: { uris, username: 'calls', password: 'x' } } })
    try {
      const alice = await server.register('alice')
      expect((await alice.get('/voip/turnServer')).body).to.deep.equal({ username: 'calls', password: 'x', uris, ttl: 86_400 })
    } finally {
      await server.close()
    }
  })
})
