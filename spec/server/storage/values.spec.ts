import { expect } from 'chai'
import { statement, write } from '../../../server/storage/database.ts'
import { forEachEmpty, insertNote, noteTables, selectNote, selectNoteIds } from '../../support/storage.ts'

const selectAmong = statement<[ids: readonly string[]], { id: string }>(
  'SELECT id FROM notes WHERE id IN (SELECT value FROM json_each(CAST(? AS TEXT))) ORDER BY id',
)
const selectAmounts = statement<[amounts: readonly number[]], { id: string }>(
  'SELECT id FROM notes WHERE amount IN (SELECT CAST(value AS BIGINT) FROM json_each(CAST(? AS TEXT))) ORDER BY id',
)
const selectPlaces = statement<[list: readonly (string | null)[]], { key: number; value: string | null }>(
  'SELECT CAST(key AS BIGINT) AS "key", value FROM json_each(CAST(? AS TEXT)) ORDER BY CAST(key AS BIGINT)',
)
const insertAll = statement<[ids: readonly string[]]>('INSERT INTO notes (id) SELECT value FROM json_each(CAST(? AS TEXT))')
const countNotes = statement<[], { count: number; sum: number | null; any: number }>(
  'SELECT count(*) AS count, sum(amount) AS sum, EXISTS (SELECT 1 FROM notes) AS "any" FROM notes',
)
const selectQuoted = statement<[id: string], { text: string }>(`SELECT 'what? it''s ?' AS "text" FROM notes WHERE id = ?`)
const selectAbove = statement<[id: string, limit: number], { id: string }>('SELECT id FROM notes WHERE id > ? ORDER BY id LIMIT ?')

forEachEmpty('a value', (open) => {
  const withNotes = async (...ids: string[]) => {
    const { database } = await open(noteTables)
    for (const id of ids) await database.commit({ writes: [write(insertNote, id, null, null)] })
    return database
  }

  it('that is null, a large integer or bytes comes back as it was', async () => {
    const database = await withNotes()
    const bytes = Uint8Array.from({ length: 256 }, (_, place) => place)
    const largest = Number.MAX_SAFE_INTEGER
    await database.commit({ writes: [write(insertNote, 'a', largest, bytes), write(insertNote, 'b', -largest, new Uint8Array())] })
    await database.commit({
      writes: [
        write(insertNote, 'c', null, null),
        write(insertNote, 'e', 1, Buffer.from('one')),
        write(insertNote, 'f', 2, Buffer.from('two')),
      ],
    })
    const a = (await database.selectOne(selectNote, 'a'))!
    expect(a.amount).to.equal(largest)
    expect([...a.body!]).to.deep.equal([...bytes])
    const b = (await database.selectOne(selectNote, 'b'))!
    expect(b.amount).to.equal(-largest)
    expect(b.body).to.have.length(0)
    expect(await database.selectOne(selectNote, 'c')).to.deep.equal({ id: 'c', position: null, amount: null, body: null })
    expect(Buffer.from((await database.selectOne(selectNote, 'e'))!.body!).toString()).to.equal('one')
    expect(Buffer.from((await database.selectOne(selectNote, 'f'))!.body!).toString()).to.equal('two')
    expect(await database.selectOne(selectNote, 'd')).to.equal(undefined)
  })

  it('that is a text sorts by code point', async () => {
    const ids = ['a', 'B', 'ä', 'Z', '_', '\uffee', '\u{1f600}', 'aa', '~', '']
    const database = await withNotes(...ids)
    const sorted = ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    expect((await database.select(selectNoteIds)).map((row) => row.id)).to.deep.equal(sorted)
    expect((await database.select(selectAbove, 'Z', 3)).map((row) => row.id)).to.deep.equal(['_', 'a', 'aa'])
  })

  it('that is a text keeps U+0000 and U+0001, in their order, alone and in lists', async () => {
    const ids = ['\0', '\x01', '\0\x01', '\x01\0', '\x02', '\x01\x01', '\x01\x02', 'a\0b', 'a\x01b']
    const database = await withNotes()
    await database.commit({ writes: [write(insertAll, ids)] })
    expect((await database.select(selectNoteIds)).map((row) => row.id)).to.deep.equal(ids.toSorted())
    expect((await database.select(selectAmong, ['\0', 'a\0b', '\x01\x01'])).map((row) => row.id)).to.deep.equal(['\0', '\x01\x01', 'a\0b'])
    expect((await database.selectOne(selectNote, 'a\0b'))!.id).to.equal('a\0b')
  })

  it('that is a list keeps texts, quotes, nulls and places', async () => {
    const database = await withNotes('a"b', "c'd", 'e\\f', 'g')
    expect((await database.select(selectAmong, ['e\\f', "c'd", 'a"b', 'none'])).map((row) => row.id)).to.deep.equal(['a"b', "c'd", 'e\\f'])
    expect(await database.select(selectAmong, [])).to.deep.equal([])
    expect(await database.select(selectPlaces, ['x', null, '\u{1f600}'])).to.deep.equal([
      { key: 0, value: 'x' },
      { key: 1, value: null },
      { key: 2, value: '\u{1f600}' },
    ])
  })

  it('that is a list of integers is compared as integers', async () => {
    const database = await withNotes()
    for (const [id, amount] of [
      ['a', 10],
      ['b', 9],
      ['c', Number.MAX_SAFE_INTEGER],
    ] as const)
      await database.commit({ writes: [write(insertNote, id, amount, null)] })
    expect(await database.select(selectAmounts, [9, Number.MAX_SAFE_INTEGER])).to.deep.equal([{ id: 'b' }, { id: 'c' }])
  })

  it('that counts, sums or tells is a number', async () => {
    const database = await withNotes()
    await database.commit({ writes: [write(insertNote, 'a', 2, null), write(insertNote, 'b', 3, null)] })
    expect(await database.selectOne(countNotes)).to.deep.equal({ count: 2, sum: 5, any: 1 })
  })

  it('is not looked for inside quotes', async () => {
    const database = await withNotes('a')
    expect(await database.selectOne(selectQuoted, 'a')).to.deep.equal({ text: "what? it's ?" })
  })

  it('that has half a surrogate pair is written, with U+FFFD for it', async () => {
    const database = await withNotes()
    await database.commit({ writes: [write(insertNote, 'a\ud800', null, null), write(insertAll, ['b\ud800'])] })
    expect((await database.select(selectNoteIds)).map((row) => row.id)).to.deep.equal(['a\ufffd', 'b\ufffd'])
  })
})
