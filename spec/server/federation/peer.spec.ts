import { expect } from 'chai'
import { type AmongPeers, ask, startServerWithPeers } from '../../support/peer.ts'

describe('a peer of the specs', () => {
  let among: AmongPeers
  before(async () => {
    among = (await startServerWithPeers(2))!
    await among.server.register('alice')
  })
  after(() => among.close())

  it('asks under a signature that the server takes, also after it was restarted', async () => {
    const [peer] = among.peers
    const uri = `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent('@alice:hs.test')}`
    expect((await peer!.ask(among.server, 'GET', uri)).status).to.equal(200)
    await among.restart()
    expect((await peer!.ask(among.server, 'GET', uri)).status).to.equal(200)
    const [, other] = among.peers
    const stolen = { ...peer!, serverName: other!.serverName }
    expect((await ask(stolen, among.server, { method: 'GET', uri, content: undefined })).status).to.equal(401)
  })

  it('is asked, answers by path and notes what came', async () => {
    const [peer] = among.peers
    peer!.on('PUT', '/_matrix/federation/v1/send/{txnId}', ({ params, content }) => ({ body: { id: params['txnId'], content } }))
    const { peers, signingKey } = among.server.server.home
    const put = { destination: peer!.serverName, method: 'PUT', uri: '/_matrix/federation/v1/send/a%2Fb', content: { pdus: [] } } as const
    expect(await peers.fetchJson(put)).to.deep.include({ status: 200, body: { id: 'a/b', content: { pdus: [] } } })
    const asked = await peer!.until(({ method }) => method === 'PUT')
    expect(asked.origin).to.equal('hs.test')
    expect(asked.isSignedBy(signingKey.publicKey)).to.equal(true)
    await peer!.down()
    expect(await peers.fetchJson(put)).to.include({ ok: false })
    await peer!.up()
    expect(await peers.fetchJson(put)).to.include({ ok: true })
  })
})
