import { existsSync } from 'node:fs'
import { expect } from 'chai'
import { firstAccountTokenFile, readFirstAccountToken } from '../../../config/first-start.ts'
import { writeOnce } from '../../../config/write-once.ts'
import { startServer, type TestServer } from '../../support/server.ts'

const path = '/_tombolo/first-admin'
const form = { 'Content-Type': 'application/x-www-form-urlencoded' }

describe("the server's pages", () => {
  let server: TestServer
  let token: string
  beforeEach(async () => {
    server = await startServer({ config: { server_name: 'hs.test' } })
    writeOnce(firstAccountTokenFile(server.folder), 'a-token-of-one-time\n')
    token = readFirstAccountToken(server.folder)!
  })
  afterEach(() => server.close())

  const submit = (fields: Record<string, string>) => server.anonymous.post(path, new URLSearchParams(fields).toString(), { headers: form })

  it('tell what this is and where to point a client, and load nothing', async () => {
    const { status, text, headers } = await server.anonymous.get('/')
    expect(status).to.equal(200)
    expect(text).to.contain('<code>https://hs.test/</code>').and.contain('<code>hs.test</code>')
    expect(headers.get('content-security-policy')).to.contain("default-src 'none'")
    expect(text).not.to.match(/<script|<link|src=/)
  })
  it('make the first account, an administrator, by a link that works once', async () => {
    expect((await server.anonymous.get(path, { query: { token } })).text).to.contain('<form method="post"')
    const made = await submit({ token, username: 'root', password: 'a long password' })
    expect([made.status, made.text.includes('@root:hs.test')]).to.deep.equal([200, true])
    expect(existsSync(firstAccountTokenFile(server.folder))).to.equal(false)
    expect((await server.server.people.account('@root:hs.test'))?.admin).to.equal(true)
    expect((await submit({ token, username: 'second', password: 'a long password' })).status).to.equal(404)
    expect((await server.anonymous.get(path, { query: { token } })).status).to.equal(404)
  })
  it('make one administrator when the form is sent twice at once', async () => {
    const answers = await Promise.all(['one', 'two'].map((username) => submit({ token, username, password: 'a long password' })))
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1)
  })
  it('show nobody else the form', async () => {
    for (const wrong of ['', 'x', `${token}x`, token.slice(1)]) {
      expect((await server.anonymous.get(path, { query: { token: wrong } })).status, wrong).to.equal(404)
      expect((await submit({ token: wrong, username: 'evil', password: 'a long password' })).status, wrong).to.equal(404)
    }
    expect(await server.server.people.account('@evil:hs.test')).to.equal(undefined)
  })
  it('say what is wrong, and never let text become markup', async () => {
    const short = await submit({ token, username: '"><b>x', password: 'a long password' })
    expect(short.status).to.equal(400)
    expect(short.text).to.contain('&quot;&gt;&lt;b&gt;x').and.not.contain('<b>')
    expect((await submit({ token, username: 'root', password: 'short' })).text).to.contain('at least 10 characters')
    expect((await server.anonymous.post(path, 'x'.repeat(100_000), { headers: form })).status).to.equal(413)
    expect((await server.anonymous.request('DELETE', path)).status).to.equal(405)
  })
})
