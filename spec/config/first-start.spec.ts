import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { prepareDataFolder, readFirstAccountToken } from '../../config/first-start.ts'
import { load } from '../../config/load.ts'
import { ensureSigningKey, readSigningKey, rotateSigningKey } from '../../config/signing-key.ts'
import { encodeBase64 } from '../../server/core/base64.ts'
import { generateSigningKey } from '../../server/core/signatures.ts'

describe('prepareDataFolder', () => {
  let above: string
  let folder: string
  beforeEach(() => {
    above = mkdtempSync(join(tmpdir(), 'tombolo-first-'))
    folder = join(above, 'data')
  })
  afterEach(() => rmSync(above, { recursive: true }))

  it('makes a closed server with secrets of its own, for its owner’s eyes', () => {
    const { config: file, isNew } = prepareDataFolder(folder)
    const { config, warnings } = load({ file })
    expect(isNew).to.equal(true)
    expect(config.registration.open).to.equal(false)
    expect(config.registration.shared_secret).to.match(/^[\w-]{43}$/)
    expect(config.data_dir).to.equal(folder)
    expect(warnings).to.deep.equal([])
    const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777)
    expect(modes).to.deep.equal([0o600, 0o600, 0o600])
    expect(readFirstAccountToken(folder)).to.match(/^[\w-]{32}$/)
  })

  it('changes nothing at the second start', () => {
    const { config: file } = prepareDataFolder(folder)
    const before = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
    rmSync(join(folder, 'first-account.token'))
    expect(prepareDataFolder(folder)).to.deep.equal({ config: file, isNew: false })
    expect(readdirSync(folder)).to.deep.equal(['signing.key', 'tombolo.yaml'])
    expect(readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))).to.deep.equal(before.slice(1))
    expect(readFirstAccountToken(folder)).to.equal(undefined)
  })

  it('keeps a signing key, and reads the padded spelling of other servers', () => {
    const file = join(above, 'key')
    expect(ensureSigningKey(file)).to.deep.equal(ensureSigningKey(file))
    expect(ensureSigningKey(file).seed).to.have.length(32)
    writeFileSync(file, `ed25519 a_X ${Buffer.alloc(32, 7).toString('base64')}\n`)
    expect(ensureSigningKey(file)).to.deep.equal({ keyId: 'ed25519:a_X', seed: new Uint8Array(32).fill(7), former: [] })
    writeFileSync(file, 'nonsense')
    expect(() => ensureSigningKey(file)).to.throw('is not a signing key')
    writeFileSync(file, `ed25519 a_X ${Buffer.alloc(32, 7).toString('base64')}\ned25519 a_Y ${Buffer.alloc(32, 8).toString('base64')}\n`)
    expect(() => ensureSigningKey(file)).to.throw('after the first line there are only keys that sign no more')
  })

  it('puts a new signing key in the place of the old one, whose public half alone is kept, for its owner’s eyes', () => {
    const file = join(above, 'key')
    const first = ensureSigningKey(file)
    const secret = readFileSync(file, 'utf8').trim().split(' ')[2]!
    chmodSync(file, 0o644)
    const once = rotateSigningKey(file)
    const twice = rotateSigningKey(file)
    const publicKey = encodeBase64(generateSigningKey(first.seed).publicKey)
    expect(once.before).to.deep.equal({ keyId: first.keyId, key: publicKey })
    expect(twice.now).to.deep.equal(readSigningKey(file))
    expect(twice.now.former).to.deep.equal([twice.before, once.before])
    expect(new Set([first.keyId, once.now.keyId, twice.now.keyId]).size).to.equal(3)
    expect(readFileSync(file, 'utf8')).not.to.contain(secret)
    expect(statSync(file).mode & 0o777).to.equal(0o600)
    expect(readdirSync(above)).to.deep.equal(['key'])
    expect(() => rotateSigningKey(join(above, 'none'))).to.throw('ENOENT')
  })
})
