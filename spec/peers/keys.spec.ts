import { expect } from 'chai'
import { rotateSigningKey } from '../../config/signing-key.ts'
import { encodeBase64 } from '../../server/core/base64.ts'
import { authorizationOf, startPeer } from '../support/peer.ts'
import { freePort } from '../support/processes.ts'
import { startServer, type TestServer, type TestUser } from '../support/server.ts'
import { gapOf } from './gaps.ts'
import { findPair, type Homeserver, others, type Pair } from './homeservers.ts'
import type { Person } from './person.ts'
import { inRoom } from './rooms.ts'

for (const other of others) {
  describe(`the keys of servers, with ${other}`, () => {
    let pair: Pair
    let theirs: Homeserver
    let bob: Person
    let here: TestServer
    let alice: TestUser
    let rooms: { readonly version: string; readonly id: string }[]
    before(async function () {
      pair = await findPair(this, other)
      theirs = pair.other
      const { certificate, key } = pair.files
      const port = await freePort()
      const listener = { host: '127.0.0.1', tls_certificate: undefined, tls_key: undefined }
      here = await startServer({
        config: {
          server_name: `localhost:${port}`,
          listeners: [
            { ...listener, serves: ['client', 'federation'], port: 0 },
            { ...listener, serves: ['federation'], port, tls_certificate: certificate, tls_key: key },
          ],
          federation: { ca_file: certificate, allow_private_addresses: true, trusted_key_servers: [theirs.serverName] },
        },
      })
      alice = await here.register('alice')
      rooms = []
      for (const version of ['6', '12']) {
        const { body } = await alice.post('/createRoom', { preset: 'public_chat', room_version: version })
        rooms.push({ version, id: body.room_id })
      }
      bob = await theirs.register('keybob')
    })
    after(() => here?.close())

    const rotate = async () => {
      rotateSigningKey(here.config.signing_key_path)
      here = await here.restart()
      alice = { ...alice, ...here.as(alice.token) }
    }

    it('that were given up are good for what they signed, and new ones are believed at once', async () => {
      await rotate()
      for (const { id, version } of rooms) {
        await bob.does('POST', `/join/${encodeURIComponent(id)}?via=${here.config.server_name}`)
        await alice.put(`/rooms/${id}/send/m.room.message/first`, { msgtype: 'm.text', body: `under the second key in ${version}` })
        await inRoom(id).hearsText(bob, `under the second key in ${version}`)
      }
      await rotate()
      for (const { id, version } of rooms) {
        await alice.put(`/rooms/${id}/send/m.room.message/second`, { msgtype: 'm.text', body: `under the third key in ${version}` })
        await inRoom(id).hearsText(bob, `under the third key in ${version}`)
      }
    })

    it('of one that is gone are asked of it, where it is trusted', async function () {
      if (gapOf(other, this.test?.fullTitle() ?? '') !== undefined) return this.skip()
      const gone = await startPeer(pair.files)
      const uri = `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(bob.userId)}`
      const authorization = authorizationOf(gone, theirs.serverName, { method: 'GET', uri })
      const { status } = await fetch(theirs.url + uri, { headers: { Authorization: authorization } })
      await gone.down()
      expect(status).to.equal(200)
      const found = await here.server.home.keyRing.find({ serverName: gone.serverName, keyId: gone.signingKey.keyId, at: Date.now() })
      expect(found).to.equal(encodeBase64(gone.signingKey.publicKey))
    })
  })
}
