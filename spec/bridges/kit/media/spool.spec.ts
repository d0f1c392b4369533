import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createSpool } from '../../../../bridges/kit/media/spool.ts'
import { collect, failing, streamOf } from './sources.ts'

describe('createSpool', () => {
  let parent: string
  let folder: string
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'tombolo-spool-'))
    folder = join(parent, 'spool')
  })
  afterEach(() => rmSync(parent, { recursive: true }))
  const open = (quota = 1000, mostFiles?: number) => createSpool({ folder, quota, ...(mostFiles === undefined ? {} : { mostFiles }) })

  it('gives back what it was given, from anywhere and as often as wanted, with length and hash', async () => {
    const bytes = randomBytes(200_000)
    const kept = await open(300_000).keep(
      streamOf(bytes, () => 777),
      200_000,
    )
    expect(kept.size).to.equal(200_000)
    expect(kept.sha256).to.deep.equal(createHash('sha256').update(bytes).digest())
    for (let time = 0; time < 2; time++) expect((await collect(kept.stream())).equals(bytes)).to.equal(true)
    expect(await kept.read(100_001, 10)).to.deep.equal(bytes.subarray(100_001, 100_011))
    expect(await kept.read(199_990, 1000)).to.deep.equal(bytes.subarray(199_990))
    expect(await kept.read(200_000, 1)).to.have.length(0)
    await kept.discard()
  })
  it('keeps an empty file', async () => {
    const kept = await open().keep(streamOf(Buffer.alloc(0)), 10)
    expect([kept.size, (await collect(kept.stream())).length]).to.deep.equal([0, 0])
    await kept.discard()
  })
  it('leaves no name in the folder, which is for its user alone', async () => {
    const kept = await open().keep(streamOf(Buffer.from('private')), 10)
    expect(readdirSync(folder)).to.deep.equal([])
    expect(statSync(folder).mode & 0o777).to.equal(0o700)
    await kept.discard()
  })
  it('refuses a file beyond its limit as soon as it is reached, and tells the source', async () => {
    const spool = open()
    let given = 0
    let isEnded = false
    async function* endless() {
      try {
        for (;;) {
          given += 10
          yield Buffer.alloc(10)
        }
      } finally {
        isEnded = true
      }
    }
    expect(await failing(spool.keep(endless(), 95))).to.include({ class: 'too large', transient: false })
    expect([given, isEnded, spool.used]).to.deep.equal([100, true, 0])
  })
  it('bounds what all files together take, until one is discarded', async () => {
    const spool = open(1000)
    const first = await spool.keep(streamOf(Buffer.alloc(600)), 1000)
    expect(await failing(spool.keep(streamOf(Buffer.alloc(600)), 1000))).to.include({ class: 'no space', transient: true })
    expect(spool.used).to.equal(600)
    await first.discard()
    await first.discard()
    expect(spool.used).to.equal(0)
    await (await spool.keep(streamOf(Buffer.alloc(600)), 1000)).discard()
  })
  it('bounds files that arrive at the same time', async () => {
    const spool = open(1000)
    const outcomes = await Promise.allSettled(
      [1, 2, 3].map(() =>
        spool.keep(
          streamOf(Buffer.alloc(400), () => 100),
          400,
        ),
      ),
    )
    const kept = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    expect(kept.length).to.be.lessThan(3)
    expect(spool.used).to.equal(kept.length * 400)
    for (const one of kept) await one.discard()
  })
  it('bounds the number of files', async () => {
    const spool = open(1000, 1)
    const first = await spool.keep(streamOf(Buffer.alloc(1)), 10)
    expect(await failing(spool.keep(streamOf(Buffer.alloc(1)), 10))).to.include({ class: 'no space' })
    await first.discard()
    await (await spool.keep(streamOf(Buffer.alloc(1)), 10)).discard()
  })
  it('keeps nothing of a source that fails', async () => {
    const spool = open()
    async function* broken() {
      yield Buffer.alloc(100)
      throw new Error('broken off')
    }
    expect((await failing(spool.keep(broken(), 1000))).message).to.equal('broken off')
    expect(spool.used).to.equal(0)
    expect(existsSync(folder) ? readdirSync(folder) : []).to.deep.equal([])
  })
})
