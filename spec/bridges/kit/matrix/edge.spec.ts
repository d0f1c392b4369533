import { expect } from 'chai'
import { DurableAppService } from '../../../../bridges/kit/matrix/appservice.ts'
import { mountHomeserverEdge } from '../../../../bridges/kit/matrix/edge.ts'

describe('the edge for the homeserver', () => {
  let service: DurableAppService
  let kept: { txn: string; body: string }[]

  beforeEach(async () => {
    kept = []
    service = new DurableAppService()
    mountHomeserverEdge(service.app, {
      homeserverToken: 'hs_secret',
      transaction(txn, body) {
        if (txn === 'full disk') throw new Error('no space: hs_secret')
        kept.push({ txn, body: body.toString() })
      },
      hasUser: (userId) => userId === '@_whatsapp_x:hs.test',
      hasAlias: () => false,
    })
    await service.listen(0, '127.0.0.1')
  })
  afterEach(() => service.close())

  const ask = async (method: string, path: string, body?: string, token = 'Bearer hs_secret') => {
    const url = `http://127.0.0.1:${service.port}/_matrix/app/v1/${path}`
    const response = await fetch(url, { method, headers: token ? { authorization: token } : {}, ...(body === undefined ? {} : { body }) })
    const text = await response.text()
    return { status: response.status, text, json: JSON.parse(text) as Record<string, unknown> }
  }

  it('keeps a transaction before it answers', async () => {
    const body = JSON.stringify({ events: [], 'de.sorunome.msc2409.to_device': [{ type: 'm.room.encrypted' }] })
    expect((await ask('PUT', 'transactions/t%2F1', body)).json).to.deep.equal({})
    expect(kept).to.deep.equal([{ txn: 't/1', body }])
  })

  it('takes a transaction of a hundred large events', async () => {
    const events = Array.from({ length: 100 }, () => ({ content: { body: 'x'.repeat(65_000) } }))
    expect((await ask('PUT', 'transactions/big', JSON.stringify({ events }))).status).to.equal(200)
    expect(kept).to.have.length(1)
  })

  it('refuses every other token, also in the query, before it looks at the body', async () => {
    for (const token of ['', 'Bearer', 'Bearer wrong', 'Basic hs_secret', 'Bearer hs_secre', 'hs_secret', 'Bearer hs_secret x']) {
      for (const path of ['transactions/1', 'transactions/1?access_token=hs_secret']) {
        const { status, json } = await ask('PUT', path, '{', token)
        expect(status, token).to.equal(403)
        expect(json['errcode']).to.equal('M_FORBIDDEN')
      }
    }
    expect(kept).to.have.length(0)
  })

  it('refuses what is no JSON object', async () => {
    for (const body of ['', '{', '[]', '7', 'null']) {
      const { status, json } = await ask('PUT', 'transactions/1', body)
      expect([status, json['errcode']], body).to.deep.equal([400, 'M_NOT_JSON'])
    }
  })

  it('does not acknowledge what it could not keep, and tells nothing of why', async () => {
    const { status, text } = await ask('PUT', 'transactions/full%20disk', '{}')
    expect(status).to.equal(500)
    expect(text).not.to.match(/space|secret/)
  })

  it('answers pings, knows its ghosts, and nothing else', async () => {
    expect((await ask('POST', 'ping', '{"transaction_id":"1"}')).status).to.equal(200)
    expect((await ask('GET', 'users/%40_whatsapp_x%3Ahs.test')).status).to.equal(200)
    expect((await ask('GET', 'users/%40other%3Ahs.test')).json['errcode']).to.equal('M_NOT_FOUND')
    expect((await ask('GET', 'rooms/%23x%3Ahs.test')).status).to.equal(404)
    expect((await ask('GET', 'nothing')).json['errcode']).to.equal('M_UNRECOGNIZED')
  })
})
