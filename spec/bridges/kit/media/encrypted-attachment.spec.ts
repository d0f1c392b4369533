import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  type Decryption,
  decryptAttachment,
  type EncryptedFile,
  encryptAttachment,
  readEncryptedFile,
} from '../../../../bridges/kit/media/encrypted-attachment.ts'
import { createSpool, type Spool } from '../../../../bridges/kit/media/spool.ts'
import { randomNumbers } from '../../../support/random-json.ts'
import { collect, failing, streamOf } from './sources.ts'

/** The example of the specification's attachment section. */
const example = {
  url: 'mxc://example.org/FHyPlCeYUSFFxlgbQYZmoEoe',
  v: 'v2',
  key: { alg: 'A256CTR', ext: true, k: 'aWF6-32KGYaC3A_FEUCk1Bt0JA37zP0wrStgmdCaW-0', key_ops: ['encrypt', 'decrypt'], kty: 'oct' },
  iv: 'w+sE15fzSc0AAAAAAAAAAA',
  hashes: { sha256: 'fdSLu/YkRx3Wyh3KQabP3rd6+SFiKg5lsJZQHtkSAYA' },
}

describe('attachments of encrypted rooms', () => {
  let folder: string
  let spool: Spool
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tombolo-attachment-'))
    spool = createSpool({ folder, quota: 10_000_000 })
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  async function encrypted(plain: Buffer): Promise<{ ciphertext: Buffer; file: EncryptedFile }> {
    const encryption = encryptAttachment(streamOf(plain, () => 1000))
    const ciphertext = await collect(encryption.ciphertext)
    return { ciphertext, file: encryption.file('mxc://hs.test/abc') }
  }
  const keysOf = (file: unknown): Decryption => readEncryptedFile(file)!
  const decrypted = async (file: unknown, ciphertext: Buffer) =>
    decryptAttachment(
      keysOf(file),
      await spool.keep(
        streamOf(ciphertext, () => 999),
        10_000_000,
      ),
    )

  it('have the fields that the specification gives, a key and a vector of their own, and a counter that starts at zero', async () => {
    const [one, other] = [await encrypted(Buffer.from('one')), await encrypted(Buffer.from('one'))]
    expect(one.file).to.have.all.keys('url', 'v', 'key', 'iv', 'hashes')
    expect(one.file.key).to.deep.equal({ ...example.key, k: one.file.key.k })
    expect(one.file.key.k).to.match(/^[\w-]{43}$/)
    expect(one.file.iv).to.match(/^[A-Za-z0-9+/]{22}$/)
    expect(Buffer.from(one.file.iv, 'base64').subarray(8)).to.deep.equal(Buffer.alloc(8))
    expect(one.file.hashes.sha256).to.equal(createHash('sha256').update(one.ciphertext).digest('base64').replace(/=+$/, ''))
    expect(one.file.iv).not.to.equal(other.file.iv)
    expect(one.file.key.k).not.to.equal(other.file.key.k)
  })
  it('are what AES-256-CTR makes of them', async () => {
    const plain = randomBytes(50_000)
    const { ciphertext, file } = await encrypted(plain)
    const cipher = createCipheriv('aes-256-ctr', Buffer.from(file.key.k, 'base64url'), Buffer.from(file.iv, 'base64'))
    expect(Buffer.concat([cipher.update(plain), cipher.final()]).equals(ciphertext)).to.equal(true)
  })
  it('open under the key and vector of the specification’s example, by AES-CTR as a browser has it', async () => {
    const plain = randomBytes(5000)
    const { subtle } = globalThis.crypto
    const key = await subtle.importKey('jwk', example.key, 'AES-CTR', false, ['encrypt'])
    const counter = Buffer.from(example.iv, 'base64')
    const ciphertext = Buffer.from(await subtle.encrypt({ name: 'AES-CTR', counter, length: 64 }, key, plain))
    const file = { ...example, hashes: { sha256: createHash('sha256').update(ciphertext).digest('base64') } }
    const opened = await decrypted(file, ciphertext)
    expect((await collect(opened.stream())).equals(plain)).to.equal(true)
    await opened.discard()
  })
  it('come back whole, and in any part, whatever their length', async () => {
    const random = randomNumbers(5)
    for (const length of [0, 1, 15, 16, 17, 65_535, 65_536, 200_001]) {
      const plain = randomBytes(length)
      const { ciphertext, file } = await encrypted(plain)
      const opened = await decrypted(file, ciphertext)
      expect(opened.size).to.equal(length)
      expect((await collect(opened.stream())).equals(plain)).to.equal(true)
      for (let round = 0; round < 20; round++) {
        const [from, many] = [Math.floor(random() * length), Math.floor(random() * 100)]
        expect((await opened.read(from, many)).equals(plain.subarray(from, from + many)), `${many} from ${from} of ${length}`).to.equal(
          true,
        )
      }
      await opened.discard()
    }
    expect(spool.used).to.equal(0)
  })
  it('give no byte when one of theirs was changed, added or taken', async () => {
    const { ciphertext, file } = await encrypted(randomBytes(100_000))
    const changed = Buffer.from(ciphertext)
    changed[99_999]! ^= 1
    for (const other of [changed, ciphertext.subarray(1), Buffer.concat([ciphertext, Buffer.alloc(1)]), Buffer.alloc(0)]) {
      expect(await failing(decrypted(file, other))).to.include({ class: 'corrupted', transient: false })
    }
    expect(spool.used).to.equal(0)
  })
  it('have no plaintext on the disk while they wait', async () => {
    const { ciphertext, file } = await encrypted(Buffer.alloc(1000, 'plain words '))
    const kept = await spool.keep(streamOf(ciphertext), 1000)
    await decryptAttachment(keysOf(file), kept)
    expect((await collect(kept.stream())).equals(ciphertext)).to.equal(true)
    await kept.discard()
  })
  it('are never encrypted twice under one key', async () => {
    const encryption = encryptAttachment(streamOf(Buffer.from('once')))
    await collect(encryption.ciphertext)
    expect((await failing(collect(encryption.ciphertext))).message).to.contain('key of its own')
  })
  it('have no hash before their end', async () => {
    const encryption = encryptAttachment(streamOf(Buffer.alloc(10), () => 1))
    for await (const _ of encryption.ciphertext) break
    expect(() => encryption.file('mxc://a/b')).to.throw('not encrypted to its end')
  })
  it('are read from an event when all is there, with either alphabet and padding', () => {
    const { key, iv, sha256, url } = readEncryptedFile(example)!
    expect([key.length, iv.length, sha256.length, url]).to.deep.equal([32, 16, 32, example.url])
    const swapped = { ...example, iv: 'w-sE15fzSc0AAAAAAAAAAA==', hashes: { sha256: `${example.hashes.sha256}=` } }
    expect(readEncryptedFile(swapped)).to.deep.equal(readEncryptedFile(example))
  })
  it('are refused when anything is missing, short or of another kind', () => {
    const wrong: unknown[] = [
      undefined,
      null,
      'file',
      [],
      { ...example, v: 'v1' },
      { ...example, url: 5 },
      { ...example, iv: 'w+sE15fzSc0' },
      { ...example, iv: 'not base 64 at all....' },
      { ...example, hashes: {} },
      { ...example, hashes: { sha256: 'AAAA' } },
      { ...example, key: { ...example.key, alg: 'A128CTR' } },
      { ...example, key: { ...example.key, kty: 'RSA' } },
      { ...example, key: { ...example.key, k: 'short' } },
    ]
    for (const file of wrong) expect(readEncryptedFile(file), JSON.stringify(file)).to.equal(undefined)
  })
})
