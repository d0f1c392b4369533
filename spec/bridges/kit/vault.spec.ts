import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { base32, opaqueId, openVault } from '../../../bridges/kit/vault.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'

describe('the vault', () => {
  let folder: string
  beforeEach(() => {
    folder = temporaryFolder()
  })
  afterEach(() => removeFolder(folder))
  const keyFile = () => join(folder, 'vault.key')

  it('makes a key file that only its owner may read, and uses it again', () => {
    const sealed = openVault('whatsapp', keyFile()).seal('15551234567', 'identity')
    expect(statSync(keyFile()).mode & 0o777).to.equal(0o600)
    expect(openVault('whatsapp', keyFile()).open(sealed, 'identity')).to.equal('15551234567')
  })

  it('refuses a key file that others may read, and a damaged one', () => {
    openVault('whatsapp', keyFile())
    chmodSync(keyFile(), 0o640)
    expect(() => openVault('whatsapp', keyFile())).to.throw('chmod 600')
    chmodSync(keyFile(), 0o600)
    writeFileSync(keyFile(), 'short')
    expect(() => openVault('whatsapp', keyFile())).to.throw('damaged')
  })

  it('opens a value under its own purpose only, and not when a bit was changed', () => {
    const vault = openVault('whatsapp', keyFile())
    const sealed = vault.seal('secret', 'login 1')
    expect(() => vault.open(sealed, 'login 2')).to.throw()
    for (const at of [0, 5, 20, sealed.length - 1]) {
      const changed = Buffer.from(sealed)
      changed[at] = changed[at]! ^ 1
      expect(() => vault.open(changed, 'login 1'), `byte ${at}`).to.throw()
    }
    expect(() => vault.open(sealed.subarray(0, 10), 'login 1')).to.throw('not a sealed value')
  })

  it('never seals the same value into the same bytes, and holds nothing of it', () => {
    const vault = openVault('whatsapp', keyFile())
    const [one, other] = [vault.seal('15551234567', 'x'), vault.seal('15551234567', 'x')]
    expect(one.equals(other)).to.equal(false)
    expect(one.includes('15551234567')).to.equal(false)
    expect(vault.seal('', 'x').length).to.be.greaterThan(0)
  })

  it('gives a value the same index every time, and another one for each kind, network and key', () => {
    const vault = openVault('whatsapp', keyFile())
    const index = vault.blind('phone', '15551234567')
    expect(vault.blind('phone', '15551234567')).to.equal(index)
    expect(vault.blind('psid', '15551234567')).not.to.equal(index)
    expect(openVault('messenger', keyFile()).blind('phone', '15551234567')).not.to.equal(index)
    expect(openVault('whatsapp', join(folder, 'other.key')).blind('phone', '15551234567')).not.to.equal(index)
    expect(vault.blind('a', 'b:c')).not.to.equal(vault.blind('a:b', 'c'))
  })

  it('derives keys that differ by use and are not the file’s', () => {
    const vault = openVault('whatsapp', keyFile())
    expect(vault.derive('crypto')).to.have.length(32)
    expect(vault.derive('crypto').equals(vault.derive('other'))).to.equal(false)
    expect(readFileSync(keyFile(), 'utf8').trim()).not.to.equal(vault.derive('crypto').toString('base64url'))
  })

  it('writes base32 as RFC 4648 has it, in lower case and without padding', () => {
    const vectors = { '': '', f: 'my', fo: 'mzxq', foo: 'mzxw6', foob: 'mzxw6yq', fooba: 'mzxw6ytb', foobar: 'mzxw6ytboi' }
    for (const [plain, encoded] of Object.entries(vectors)) expect(base32(Buffer.from(plain))).to.equal(encoded)
    expect(opaqueId()).to.match(/^[a-z2-7]{26}$/)
    expect(new Set(Array.from({ length: 100 }, opaqueId)).size).to.equal(100)
  })
})
