import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { canonicalJson } from '../../../server/core/canonical-json.ts'
import { signedPart } from '../../../server/core/servers/x-matrix.ts'
import { generateSigningKey, signText } from '../../../server/core/signatures.ts'
import type { SignedRequest } from '../../../server/remote/signed-request.ts'
import { writeCertificate } from '../../support/certificates.ts'
import { type Neighbours, startNeighbours } from '../../support/federation.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import type { Engine, TestServer } from '../../support/server.ts'

for (const engine of ['sqlite', 'postgres'] as Engine[]) {
  describe(`a server that asks another one on ${engine}`, () => {
    let neighbours: Neighbours | undefined
    let [here, there]: (TestServer | undefined)[] = []
    before(async function () {
      neighbours = await startNeighbours(2, engine)
      if (neighbours === undefined) return this.skip()
      ;[here, there] = neighbours.servers
      await there!.register('bob')
    })
    after(() => neighbours?.close())

    const name = (server: TestServer | undefined) => server!.server.home.serverName
    const uri = () => `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(`@bob:${name(there)}`)}&field=displayname`
    const ask = (of: Partial<SignedRequest> = {}) =>
      here!.server.home.peers.fetchJson({ destination: name(there), method: 'GET', uri: uri(), ...of })

    /** A request under a header of one's own. */
    async function askWith(authorization: string | undefined, at = uri()) {
      const url = `https://${name(there)}${at}`
      const headers: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization }
      const answer = await here!.server.home.egress.fetchJson({ url, headers, allowPrivate: true })
      if (!answer.ok) throw new Error(answer.words)
      return answer
    }
    const header = (of: { origin?: string; destination?: string; key?: string; sig?: string; uri?: string } = {}) => {
      const { serverName, signingKey } = here!.server.home
      const part = signedPart({ method: 'GET', uri: of.uri ?? uri(), origin: serverName, destination: name(there), content: undefined })
      const sig = of.sig ?? signText(canonicalJson(part), signingKey)
      return `X-Matrix origin="${of.origin ?? serverName}",destination="${of.destination ?? name(there)}",key="${of.key ?? signingKey.keyId}",sig="${sig}"`
    }

    it('is answered over TLS, under its signature', async () => {
      expect(await ask()).to.deep.include({ ok: true, status: 200 })
      expect(await askWith(header())).to.include({ status: 200 })
    })

    it('is answered what the specification says of profiles and aliases', async () => {
      const bob = await there!.server.people.profile(`@bob:${name(there)}`)
      expect(await ask()).to.deep.include({ body: 'displayname' in bob ? { displayname: bob['displayname'] } : {} })
      const unknown = { uri: uri().replace('bob', 'nobody') }
      expect(await ask(unknown)).to.deep.include({ status: 404 })
      const alias = encodeURIComponent(`#none:${name(there)}`)
      expect(await ask({ uri: `/_matrix/federation/v1/query/directory?room_alias=${alias}` })).to.deep.include({ status: 404 })
    })

    it('finds the room of an alias', async () => {
      const user = await there!.register('carol')
      const { body } = await user.post('/createRoom', { room_alias_name: 'harbour' })
      const alias = encodeURIComponent(`#harbour:${name(there)}`)
      const answer = await ask({ uri: `/_matrix/federation/v1/query/directory?room_alias=${alias}` })
      expect(answer).to.deep.include({ status: 200, body: { room_id: body.room_id, servers: [name(there)] } })
    })

    const refused: Readonly<Record<string, () => string | undefined>> = {
      'is not signed': () => undefined,
      'bears a token of a client': () => 'Bearer abc',
      'is signed by another key': () => header({ sig: signText('x', generateSigningKey(Buffer.alloc(32, 9))) }),
      'is signed for another path': () => header({ uri: `${uri()}&x` }),
      'is meant for another server': () => header({ destination: 'elsewhere.example' }),
      'claims to come from the server itself': () => header({ origin: name(there) }),
      'claims to come from a server that is not there': () => header({ origin: 'localhost:1' }),
      'claims to come from what is no server': () => header({ origin: 'a/b' }),
      'names a key that its server has not': () => header({ key: 'ed25519:other' }),
      'has a signature that is none': () => header({ sig: 'AAAA' }),
    }
    for (const [words, authorization] of Object.entries(refused)) {
      it(`is refused when its request ${words}`, async () => {
        const { status, body } = await askWith(authorization())
        expect({ status, errcode: body['errcode'] }).to.deep.equal({ status: 401, errcode: 'M_UNAUTHORIZED' })
      })
    }

    it('is told the keys of a third by one that knows them, under both signatures', async () => {
      const { peers, serverName, signingKey, clock } = here!.server.home
      const content = { server_keys: { [serverName]: { [signingKey.keyId]: { minimum_valid_until_ts: clock.now() } } } }
      const answer = await peers.fetchJson({ destination: name(there), method: 'POST', uri: '/_matrix/key/v2/query', content })
      const [told] = (answer.ok ? answer.body['server_keys'] : []) as { server_name: string; signatures: object }[]
      expect(told?.server_name).to.equal(serverName)
      expect(told?.signatures).to.have.all.keys(serverName, name(there))
      const uri = `/_matrix/key/v2/query/${encodeURIComponent(name(there))}`
      const own = await peers.fetchJson({ destination: name(there), method: 'GET', uri })
      expect(own.ok && own.body['server_keys']).to.have.length(1)
    })

    it('does not ask itself, nor one whose certificate nobody vouches for', async () => {
      expect(await ask({ destination: name(here) })).to.deep.include({ ok: false, reason: 'forbidden' })
      const folder = temporaryFolder()
      const { certificate, key } = writeCertificate(folder)
      let asked = 0
      const stranger = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (_, response) => {
        asked += 1
        response.end('{}')
      })
      await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
      const { port } = stranger.address() as AddressInfo
      expect(await ask({ destination: `localhost:${port}` })).to.deep.include({ ok: false, reason: 'unreachable' })
      expect(asked).to.equal(0)
      await new Promise((resolve) => stranger.close(resolve))
      removeFolder(folder)
    })
  })
}
