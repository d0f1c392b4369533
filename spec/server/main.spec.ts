import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { project, type Running, removeFolder, startProcess, startServer, temporaryFolder } from '../support/processes.ts'

const ready = { line: /is ready at (http:\/\/127\.0\.0\.1:\d+)/ }

describe('the server as a process', () => {
  let folder: string
  let config: string
  let log: string
  beforeEach(() => {
    folder = temporaryFolder()
    config = join(folder, 'tombolo.yaml')
    log = join(folder, 'log')
    write({})
  })
  afterEach(() => removeFolder(folder))

  function write(more: object): void {
    const listeners = [{ serves: ['client', 'admin'], host: '127.0.0.1', port: 0 }]
    const registration = { open: true }
    writeFileSync(
      config,
      JSON.stringify({ server_name: 'hs.test', data_dir: '.', listeners, registration, password_hashing: 'fast', ...more }),
      {
        mode: 0o600,
      },
    )
  }
  const urlOf = (server: Running) => server.line![1]!
  const startAndFail = () =>
    startProcess({ args: [join(project, 'server/start.mjs'), '--config', config], log, ready }).then(
      () => expect.fail('it started'),
      (error: Error) => error.message,
    )
  async function register(url: string, username: string): Promise<string> {
    const body = JSON.stringify({ username, password: 'x', auth: { type: 'm.login.dummy' } })
    const answer = await fetch(`${url}/_matrix/client/v3/register`, { method: 'POST', body })
    return ((await answer.json()) as { access_token: string }).access_token
  }
  const whoami = (url: string, token: string) =>
    fetch(`${url}/_matrix/client/v3/account/whoami`, { headers: { Authorization: `Bearer ${token}` } })

  it('says where it is, ends orderly on SIGTERM and SIGINT, and goes on where it ended', async () => {
    const first = await startServer(config, { log, ready })
    const token = await register(urlOf(first), 'alice')
    expect(await first.stop()).to.equal(0)
    const second = await startServer(config, { log, ready })
    expect((await whoami(urlOf(second), token)).status).to.equal(200)
    second.signal('SIGINT')
    expect((await second.ended).code).to.equal(0)
  })
  it('keeps what it acknowledged when it is killed', async () => {
    const first = await startServer(config, { log, ready })
    const token = await register(urlOf(first), 'alice')
    await first.kill()
    const second = await startServer(config, { log, ready })
    expect((await whoami(urlOf(second), token)).status).to.equal(200)
    await second.stop()
  })
  it('answers a long poll when it ends, and does not wait for it', async () => {
    const server = await startServer(config, { log, ready })
    const token = await register(urlOf(server), 'alice')
    const headers = { Authorization: `Bearer ${token}` }
    const sync = `${urlOf(server)}/_matrix/client/v3/sync`
    const { next_batch: since } = (await (await fetch(sync, { headers })).json()) as { next_batch: string }
    const poll = fetch(`${sync}?timeout=60000&since=${since}`, { headers }).then(({ status }) => status)
    // A second request on the way shows that the first one has arrived.
    await (await whoami(urlOf(server), token)).text()
    expect(await server.stop()).to.equal(0)
    expect(await poll).to.equal(200)
  })
  it('says what is wrong with its configuration and ends', async () => {
    write({ default_room_version: '99' })
    expect(await startAndFail()).to.contain('default_room_version: 99 is none of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12')
    write({ registration: { open: 'perhaps' } })
    expect(await startAndFail()).to.contain('registration.open')
    write({ appservice_files: ['missing.yaml'] })
    expect(await startAndFail()).to.contain('missing.yaml cannot be used')
  })
})
