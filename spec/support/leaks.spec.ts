import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect } from 'chai'
import { filesIn, rowsIn, search } from './leaks.ts'
import { removeFolder, temporaryFolder } from './processes.ts'

const needle = { what: 'a number', value: '15559876543210' }
const found = (bytes: Buffer | string) => search([needle], [{ name: 'here', bytes: Buffer.from(bytes as string) }]).length === 1

describe('a search for what has leaked', () => {
  const around = (text: string) => `{"a":"${text}","b":1}`

  it('finds a value as it is, and in each encoding, wherever it begins in what was encoded', () => {
    const { value } = needle
    const bytes = Buffer.from(value)
    const encoded = [value, bytes.toString('hex'), bytes.toString('hex').toUpperCase(), `%2B${value}`]
    for (const offset of [0, 1, 2, 3, 4]) {
      const text = Buffer.from(`${'x'.repeat(offset)}${value}${'y'.repeat(5)}`)
      encoded.push(text.toString('base64'), text.toString('base64url'))
    }
    for (const text of encoded) expect(found(around(text)), text).to.equal(true)
    expect(found(Buffer.from(around(value), 'utf16le'))).to.equal(true)
  })

  it('finds a hash that anybody can make of it', () => {
    for (const kind of ['sha256', 'sha1', 'md5'])
      for (const value of [needle.value, `+${needle.value}`])
        for (const form of ['hex', 'base64', 'base64url'] as const)
          expect(found(around(createHash(kind).update(value).digest(form))), `${kind} ${form}`).to.equal(true)
    expect(found(createHash('sha256').update(needle.value).digest())).to.equal(true)
  })

  it('finds words with signs beyond ASCII and spaces as programs escape them', () => {
    const words = { what: 'words', value: 'Zoë Quillfeather' }
    for (const text of ['Zo\\u00eb Quillfeather', 'Zo%C3%AB%20Quillfeather', 'Zo%C3%AB+Quillfeather']) {
      expect(search([words], [{ name: 'here', bytes: Buffer.from(text) }]), text).to.have.length(1)
    }
  })

  it('finds nothing where nothing is', () => {
    expect(found(around('15559876543211'))).to.equal(false)
    expect(found(createHash('sha256').update('something else').digest('hex'))).to.equal(false)
  })

  it('finds it in files, in the names of files, in a row and in the log of a database that is open', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'a'), `before ${needle.value} after`)
    writeFileSync(join(folder, `${needle.value}.txt`), '')
    const database = new Database(join(folder, 'b.db'))
    database.pragma('journal_mode = WAL')
    database.exec('CREATE TABLE t (v BLOB)')
    database.prepare('INSERT INTO t VALUES (?)').run(Buffer.from(`${'x'.repeat(5000)}${needle.value}`))
    const where = search([needle], [...filesIn(folder), ...rowsIn(folder, join(folder, 'scratch'))]).map(({ where: name }) => name)
    expect(where).to.include.members(['a', 'file names', 'b.db-wal', 'rows of b.db'])
    database.close()
    removeFolder(folder)
  })
})
