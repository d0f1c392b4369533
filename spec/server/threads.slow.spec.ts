import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { removeFolder, startServer, temporaryFolder } from '../support/processes.ts'

describe('the threads of the server', () => {
  it('are enough to find servers while many names have a DNS that does not answer', async function () {
    if (!existsSync('/proc/self/task')) return this.skip()
    const folder = temporaryFolder()
    const config = join(folder, 'tombolo.yaml')
    const listeners = [{ serves: ['client'], host: '127.0.0.1', port: 0 }]
    const more = { registration: { open: true }, password_hashing: 'fast' }
    writeFileSync(config, JSON.stringify({ server_name: 'hs.test', data_dir: '.', listeners, ...more }), { mode: 0o600 })
    const server = await startServer(config, { log: join(folder, 'log'), ready: { line: /is ready at (http:\/\/127\.0\.0\.1:\d+)/ } })
    try {
      // They are there from the first work on.
      const body = JSON.stringify({ username: 'alice', password: 'x', auth: { type: 'm.login.dummy' } })
      const answer = await fetch(`${server.line![1]}/_matrix/client/v3/register`, { method: 'POST', body })
      expect(answer.status).to.equal(200)
      expect(readdirSync(`/proc/${server.pid}/task`).length).to.be.above(64)
    } finally {
      await server.stop()
      removeFolder(folder)
    }
  })
})
