import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { asToken, bodiesOf, type FakeService, fakeService, registration } from '../server/appservice/fake-bridge.ts'
import { freshDatabase } from '../support/postgres.ts'
import { type Running, removeFolder, startServer, temporaryFolder } from '../support/processes.ts'
import type { Body } from '../support/server.ts'

type Process = { url: string; running: Running }

describe('telling an application service from real processes', () => {
  let service: FakeService
  let folder: string
  let processes: Process[]
  let ends: (() => Promise<void>)[]

  beforeEach(async () => {
    service = await fakeService()
    folder = temporaryFolder('tombolo-appservice')
    processes = []
    ends = []
  })
  afterEach(async () => {
    for (const { running } of processes) await running.stop()
    for (const end of ends) await end()
    await service.close()
    removeFolder(folder)
  })

  async function start(database: object): Promise<Process> {
    const config = join(folder, 'config.yaml')
    mkdirSync(join(folder, 'data'), { recursive: true, mode: 0o700 })
    const values = {
      server_name: 'hs.test',
      public_baseurl: 'https://hs.test/',
      data_dir: join(folder, 'data'),
      signing_key_path: join(folder, 'signing.key'),
      database,
      listeners: [{ host: '127.0.0.1', port: 0 }],
      registration: { open: true },
      rate_limits: 'off',
      password_hashing: 'fast',
      appservice_files: [registered],
    }
    writeFileSync(config, JSON.stringify(values), { mode: 0o600 })
    const running = await startServer(config, { log: join(folder, `log-${processes.length}`), ready: { line: /is ready at (\S+)/ } })
    const process = { url: running.line?.[1] ?? '', running }
    processes.push(process)
    return process
  }

  async function ask({ url }: Process, token: string, method: string, path: string, body: object = {}): Promise<Body> {
    const headers = token === '' ? {} : { Authorization: `Bearer ${token}` }
    const response = await fetch(`${url}/_matrix/client/v3${path}`, { method, headers, body: JSON.stringify(body) })
    const answer = (await response.json()) as Body
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`)
    return answer
  }

  let registered: string
  let token: string
  let roomId: string
  async function story(database: object): Promise<Process> {
    registered = registration(service.url)
    const first = await start(database)
    const account = { username: 'alice', password: 'a password of a test', auth: { type: 'm.login.dummy' } }
    token = (await ask(first, '', 'POST', '/register', account))['access_token']
    await ask(first, asToken, 'POST', '/register', { type: 'm.login.application_service', username: 'bridge_bot', inhibit_login: true })
    roomId = (await ask(first, token, 'POST', '/createRoom', { preset: 'public_chat' }))['room_id']
    await ask(first, asToken, 'POST', `/rooms/${roomId}/join?user_id=@bridge_bot:hs.test`)
    return first
  }
  const say = (process: Process, body: string) =>
    ask(process, token, 'PUT', `/rooms/${roomId}/send/m.room.message/${body}`, { msgtype: 'm.text', body })
  const told = (body: string) => service.until(() => bodiesOf(service.taken).includes(body))

  /** What a service makes of it that knows each transaction by its id. */
  function effect(): string[] {
    const byId = new Map(service.taken.map((transaction) => [transaction.id, transaction]))
    for (const { id, text } of service.arrived) expect(text, id).to.equal(byId.get(id)?.text ?? text)
    return bodiesOf([...byId.values()])
  }

  it('loses nothing and changes no transaction when the server is killed again and again', async () => {
    const database = { kind: 'sqlite', path: join(folder, 'tombolo.db') }
    let process = await story(database)
    const expected: string[] = []
    for (let round = 0; round < 4; round++) {
      service.next.push(...(['take', 'lose', 500, 'cut'] as const).slice(0, round + 1))
      for (let n = 0; n < 8; n++) {
        await say(process, `m${round}-${n}`)
        expected.push(`m${round}-${n}`)
      }
      await process.running.kill()
      service.next.length = 0
      process = await start(database)
    }
    await say(process, 'last')
    await told('last')
    expect(effect()).to.deep.equal([...expected, 'last'])
  })

  it('is done by one of two processes at a time, and by the other when the one is killed', async function () {
    const fresh = await freshDatabase()
    if (!fresh) return this.skip()
    ends.push(fresh.drop)
    const database = { kind: 'postgres', url: fresh.url }
    const [one, other] = [await story(database), await start(database)]
    const expected: string[] = []
    for (let n = 0; n < 20; n++) {
      await say(n % 2 === 0 ? one : other, `m${n}`)
      expected.push(`m${n}`)
    }
    await told('m19')
    expect(service.arrived).to.have.length(service.taken.length)
    expect(effect()).to.deep.equal(expected)
    await one.running.kill()
    for (let n = 20; n < 30; n++) {
      await say(other, `m${n}`)
      expected.push(`m${n}`)
    }
    await told('m29')
    expect(effect()).to.deep.equal(expected)
  })
})
