import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import Database from 'better-sqlite3'
import { expect } from 'chai'
import { makeHot } from '../../../../bridges/kit/crypto/hot.ts'
import { canonicalJson } from '../../../../bridges/kit/crypto/json.ts'
import { makeLanes } from '../../../../bridges/kit/crypto/lanes.ts'
import { migrateCrypto } from '../../../../bridges/kit/crypto/schema.store.ts'
import { makeSeal } from '../../../../bridges/kit/crypto/seal.ts'

describe('parts of encryption', () => {
  it('leaves the process’s own exception listeners, and none of libolm’s', () => {
    const olm = new URL('../../../../bridges/kit/crypto/olm.ts', import.meta.url).href
    const script = `
      const names = ['uncaughtException', 'unhandledRejection']
      const own = () => undefined
      for (const name of names) process.on(name, own)
      const { loadOlm } = await import(${JSON.stringify(olm)})
      await loadOlm()
      console.log(names.map((name) => process.rawListeners(name).map((listener) => listener === own).join()).join(' '))`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    expect(stdout.trim()).to.equal('true true')
  })

  it('sorts the keys of canonical JSON by code point and refuses fractions', () => {
    expect(canonicalJson({ '\u{1F600}': 1, '\uFF00': 2, a: [null, true, 'é'] })).to.equal('{"a":[null,true,"é"],"\uFF00":2,"\u{1F600}":1}')
    expect(() => canonicalJson({ a: 1.5 })).to.throw(RangeError)
    expect(() => canonicalJson(2 ** 53)).to.throw(RangeError)
  })

  describe('the seal', () => {
    const key = randomBytes(32)
    const seal = makeSeal(key, randomBytes)

    it('opens what it closed, under the same name only', () => {
      const sealed = seal.close('row 1', 'secret')
      expect(makeSeal(key, randomBytes).open('row 1', sealed)).to.equal('secret')
      expect(() => seal.open('row 2', sealed)).to.throw()
    })

    it('opens nothing under another key, or when a byte is changed', () => {
      const sealed = seal.close('row', 'secret')
      expect(() => makeSeal(randomBytes(32), randomBytes).open('row', sealed)).to.throw()
      sealed[14] = (sealed[14] ?? 0) ^ 1
      expect(() => seal.open('row', sealed)).to.throw()
    })

    it('refuses a short pickle key', () => {
      expect(() => makeSeal(randomBytes(16), randomBytes)).to.throw(RangeError)
    })
  })

  it('runs tasks of a lane in order, also after one failed', async () => {
    const lanes = makeLanes()
    const order: number[] = []
    const failing = lanes.run('a', async () => {
      await Promise.resolve()
      order.push(1)
      throw new Error('failed')
    })
    const next = lanes.run('a', async () => order.push(2))
    await failing.catch(() => undefined)
    await next
    await lanes.idle()
    expect(order).to.deep.equal([1, 2])
  })

  it('frees the least recently used of hot objects, and each once', () => {
    const freed: string[] = []
    const object = (name: string) => ({ free: () => void freed.push(name) })
    const hot = makeHot<{ free(): void }>(2)
    hot.set('a', object('a'))
    hot.set('b', object('b'))
    hot.get('a')
    hot.set('c', object('c'))
    expect(freed).to.deep.equal(['b'])
    hot.clear()
    expect(freed.toSorted()).to.deep.equal(['a', 'b', 'c'])
  })

  it('migrates an empty database once, and refuses one of a later release', () => {
    const database = new Database(':memory:')
    migrateCrypto(database)
    migrateCrypto(database)
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[]
    expect(tables.every((name) => name.startsWith('crypto_'))).to.equal(true)
    database.exec('UPDATE crypto_schema SET version = 99')
    expect(() => migrateCrypto(database)).to.throw(/later release/)
    database.close()
  })
})
