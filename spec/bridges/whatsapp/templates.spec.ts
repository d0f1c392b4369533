import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { Session } from '../../../bridges/kit/connector.ts'
import { startSandbox } from '../../../bridges/sandbox/sandbox.ts'
import { createWhatsApp } from '../../../bridges/whatsapp/connector.ts'

const open = (baseUrl: string, account: string, accessToken: string): Session =>
  createWhatsApp({ baseUrl, version: 'v25.0', appSecret: 'x', verifyToken: 'x' }).open({ account, accessToken })

describe('the templates of a number of WhatsApp', () => {
  let graph: Server
  let asked: string[]
  let answers: (path: string) => { status: number; body: unknown }
  beforeEach(async () => {
    asked = []
    graph = createServer((request, response) => {
      asked.push(request.url ?? '')
      const { status, body } = answers(request.url ?? '')
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }).listen(0, '127.0.0.1')
    await once(graph, 'listening')
  })
  afterEach(() => new Promise((done) => graph.close(done)))
  const session = () => open(`http://127.0.0.1:${(graph.address() as AddressInfo).port}/`, '77', 'token')

  it('are found by the number alone, before anybody has written to it', async () => {
    const sandbox = await startSandbox()
    const { id, accessToken } = sandbox.accounts.whatsapp
    const whatsapp = open(`${sandbox.url}/`, id, accessToken)
    const result = await whatsapp.templates?.()
    expect(result?.kind === 'templates' && result.templates.map(({ name }) => name)).to.deep.equal([
      'answer_ready',
      'order_update',
      'tour_day',
    ])
    await whatsapp.close()
    await sandbox.close()
  })

  it('are said to be known later where the network does not tell whose the number is', async () => {
    answers = () => ({ status: 400, body: { error: { message: '(#100) Tried accessing nonexisting field', code: 100 } } })
    const whatsapp = session()
    const result = await whatsapp.templates?.()
    expect(result)
      .to.include({ kind: 'refused' })
      .and.have.property('words')
      .that.matches(/known as soon as somebody writes/)
    await whatsapp.close()
  })

  it('are read page by page, and not without end', async () => {
    const template = (at: number) => ({ name: `t${at}`, language: 'en', status: 'APPROVED', components: [{ type: 'BODY', text: 'x' }] })
    answers = (path) =>
      path.includes('fields=whatsapp_business_account')
        ? { status: 200, body: { id: '77', whatsapp_business_account: { id: '88' } } }
        : { status: 200, body: { data: [template(asked.length)], paging: { cursors: { after: `c${asked.length}` }, next: 'more' } } }
    const whatsapp = session()
    const result = await whatsapp.templates?.()
    expect(result?.kind === 'templates' && result.templates).to.have.length(5)
    expect(asked[1]).to.match(/^\/v25\.0\/88\/message_templates\?/)
    expect(asked[2]).to.match(/[?&]after=c2(?:&|$)/)
    await whatsapp.close()
  })
})
