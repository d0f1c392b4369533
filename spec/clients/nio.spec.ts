import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { removeFolder, temporaryFolder } from '../support/processes.ts'
import { installed, register, type Site, startHomeserver } from './site.ts'

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

describe('matrix-nio', () => {
  let homeserver: Site
  let told: { readonly talked: unknown; readonly verified: unknown; readonly recovered: unknown }

  before(async function () {
    if (!isInstalled()) {
      process.stdout.write('  The spec with matrix-nio is skipped: it is not installed (spec/clients/README.md).\n')
      return this.skip()
    }
    homeserver = await startHomeserver()
    for (const username of ['alice', 'bob']) await register(homeserver, username, password)
    const folder = temporaryFolder('tombolo-nio')
    const { stdout } = await promisify(execFile)(python, [join(import.meta.dirname, 'terminals.py'), homeserver.url, password, folder])
    removeFolder(folder)
    told = JSON.parse(stdout)
  })
  after(() => homeserver?.close())

  it('logs in, syncs, writes and reads encrypted, and sends a file', () => {
    const read = [
      ['@alice:hs.test', 'written by nio', true],
      ['@bob:hs.test', 'and read by it', true],
    ]
    expect(told.talked).to.deep.equal({
      ...{ alice: read, bob: read, encrypted: true, name: { name: 'Terminals' } },
      file: ['a note', 'text/plain', 'note.txt'],
    })
  })

  it('verifies another by the same emoji, and is verified', () => {
    expect(told.verified).to.deep.equal({ same: true, emoji: 7, trusted: [true, true] })
  })

  it('reads on a new device what was said before once it has the exported keys, and not earlier', () => {
    expect(told.recovered).to.deep.equal({ locked: [null, null], opened: ['written by nio', 'and read by it'] })
  })
})
