import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { removeFolder, temporaryFolder } from '../support/processes.ts'
import { installed, type Site, startHomeserver } from './site.ts'

const password = 'a password of a terminal'
const python = join(installed, 'nio', 'bin', 'python')

function isInstalled(): boolean {
  try {
    execFileSync(python, ['-c', 'import nio, vodozemac'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('matrix-nio', function () {
  this.timeout(60_000)
  let homeserver: Site

  before(async function () {
    if (!isInstalled()) {
      process.stdout.write('  The spec with matrix-nio is skipped: it is not installed (spec/clients/README.md).\n')
      return this.skip()
    }
    homeserver = await startHomeserver()
    for (const username of ['alice', 'bob']) {
      const body = JSON.stringify({ username, password, auth: { type: 'm.login.dummy' }, inhibit_login: true })
      expect((await fetch(`${homeserver.url}/_matrix/client/v3/register`, { method: 'POST', body })).status).to.equal(200)
    }
  })
  after(() => homeserver?.close())

  it('logs in, syncs, writes and reads encrypted, and sends a file', async () => {
    const folder = temporaryFolder('tombolo-nio')
    const args = [join(import.meta.dirname, 'terminals.py'), homeserver.url, password, folder]
    const { stdout } = await promisify(execFile)(python, args)
    removeFolder(folder)
    const read = [
      ['@alice:hs.test', 'written by nio', true],
      ['@bob:hs.test', 'and read by it', true],
    ]
    expect(JSON.parse(stdout)).to.deep.equal({
      ...{ alice: read, bob: read, encrypted: true, name: { name: 'Terminals' } },
      file: ['a note', 'text/plain', 'note.txt'],
    })
  })
})
