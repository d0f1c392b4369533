import { expect } from 'chai'
import { guard, type Part, type RoomClaim, statement, write } from '../../../server/storage/database.ts'
import {
  deleteNote,
  forEachEmpty,
  insertNote,
  insertPlacedNote,
  noteTables,
  selectLogRows,
  selectNote,
  selectNoteIds,
  selectRoom,
  upsertRoom,
} from '../../support/storage.ts'

const note = (id: string): Part => ({ writes: [write(insertNote, id, null, null)], log: [{ kind: 'note', key: id }] })
const never: RoomClaim['decideAgain'] = () => Promise.reject(new Error('not expected'))

forEachEmpty('a part', (open) => {
  it('is there for a reader once it is answered', async () => {
    const { database } = await open(noteTables)
    expect(await database.commit(note('a'))).to.deep.equal({ ok: true, position: 1 })
    expect(await database.select(selectNoteIds)).to.deep.equal([{ id: 'a' }])
  })

  it('is dropped whole when a guard fails, and says which', async () => {
    const { database, notifier } = await open(noteTables)
    await database.commit(note('a'))
    const unused = guard('unused', 'no row', selectNote, 'b')
    const part = { ...note('b'), guards: [unused, guard('taken', 'no row', selectNote, 'a')] }
    expect(await database.commit(part)).to.deep.equal({ ok: false, guard: 'taken' })
    expect(await database.commit({ ...note('c'), guards: [guard('missing', 'row', selectNote, 'b')] })).to.deep.equal({
      ok: false,
      guard: 'missing',
    })
    expect(await database.commit({ ...note('d'), guards: [unused, guard('there', 'row', selectNote, 'a')] })).to.include({ ok: true })
    expect(await database.select(selectNoteIds)).to.deep.equal([{ id: 'a' }, { id: 'd' }])
    expect(notifier.position()).to.equal(2)
  })

  it('sees in its guards what the parts before it in the batch wrote', async () => {
    const { database } = await open(noteTables)
    const once = { ...note('a'), guards: [guard('taken', 'no row', selectNote, 'a')] }
    const outcomes = await Promise.all([database.commit(once), database.commit(once), database.commit(once)])
    expect(outcomes.map((outcome) => outcome.ok)).to.deep.equal([true, false, false])
  })

  it('does not see in its guards a row that a part before it took away', async () => {
    const { database } = await open(noteTables)
    await database.commit(note('key'))
    const using = (id: string): Part => ({ ...note(id), guards: [guard('gone', 'row', selectNote, 'key')] })
    const parts = [using('a'), { writes: [write(deleteNote, 'key')] }, using('b'), note('c')]
    const outcomes = await Promise.all(parts.map((part) => database.commit(part)))
    expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.guard))).to.deep.equal(['ok', 'ok', 'gone', 'ok'])
    expect((await database.select(selectNoteIds)).map((row) => row.id)).to.deep.equal(['a', 'c'])
  })

  it('fails alone, and leaves nothing, when one of its writes is an error', async () => {
    const { database, notifier } = await open(noteTables)
    const broken: Part = {
      writes: [write(insertNote, 'half', null, null), write(insertNote, 'a', null, null)],
      log: [{ kind: 'note', key: 'half' }],
    }
    const outcomes = await Promise.allSettled([note('a'), broken, note('b')].map((part) => database.commit(part)))
    expect(outcomes.map((outcome) => outcome.status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled'])
    expect(await database.select(selectNoteIds)).to.deep.equal([{ id: 'a' }, { id: 'b' }])
    expect(await database.select(selectLogRows)).to.deep.equal([
      { position: 1, kind: 'note', key: 'a' },
      { position: 2, kind: 'note', key: 'b' },
    ])
    expect(notifier.position()).to.equal(2)
  })

  it('fails alone when a parameter is no value', async () => {
    const { database } = await open(noteTables)
    const bad = (amount: unknown) => database.commit({ writes: [write(insertNote, 'bad', amount as number, null)] })
    const outcomes = await Promise.allSettled([
      database.commit(note('a')),
      bad(undefined),
      bad(1.5),
      bad(true),
      bad(2 ** 53),
      database.commit(note('b')),
    ])
    expect(outcomes.map((outcome) => outcome.status)).to.deep.equal([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
    ])
    expect(await database.select(selectNoteIds)).to.deep.equal([{ id: 'a' }, { id: 'b' }])
  })

  it('writes positions that agree with its log rows', async () => {
    const { database } = await open(noteTables)
    const firsts: number[] = []
    const placed = (name: string): Part => ({
      writes: [write(insertPlacedNote, `${name}0`, 0), write(insertPlacedNote, `${name}1`, 1)],
      log: [0, 1].map((n) => ({ kind: 'note', key: `${name}${n}` })),
      applied: (first) => void firsts.push(first),
    })
    const outcomes = await Promise.all(['a', 'b', 'c'].map((name) => database.commit(placed(name))))
    expect(outcomes).to.deep.equal([2, 4, 6].map((position) => ({ ok: true, position })))
    expect(firsts).to.deep.equal([1, 3, 5])
    for (const { position, key } of await database.select(selectLogRows)) {
      expect(await database.selectOne(selectNote, key)).to.include({ position })
    }
  })

  it('is answered with the rows that its own writes give back, in order', async () => {
    const { database } = await open(noteTables)
    const returning = statement<[id: string], { id: string; amount: number }>(
      'INSERT INTO notes (id, amount) VALUES (?, 7) RETURNING id, amount',
    )
    const writesOf = (name: string) => [
      write(returning, `${name}0`),
      write(insertNote, `${name}1`, null, null),
      write(returning, `${name}\x002`),
    ]
    const outcomes = await Promise.all([
      database.commit({ writes: writesOf('a') }),
      database.commit({ writes: writesOf('dropped'), guards: [guard('missing', 'row', selectNote, 'b')] }),
      database.commit(note('silent')),
      database.commit({ writes: writesOf('c') }),
    ])
    const rowsOf = (name: string) => [`${name}0`, `${name}\x002`].map((id) => ({ id, amount: 7 }))
    expect(outcomes.map((outcome) => outcome.ok && outcome.rows)).to.deep.equal([rowsOf('a'), false, undefined, rowsOf('c')])
  })

  it('may not take a position that it has no log row for', async () => {
    const { database } = await open(noteTables)
    const outcomes = await Promise.allSettled([
      database.commit({ writes: [write(insertPlacedNote, 'a', 1)], log: [{ kind: 'note', key: 'a' }] }),
      database.commit(note('b')),
    ])
    expect(outcomes.map((outcome) => outcome.status)).to.deep.equal(['rejected', 'fulfilled'])
  })

  it('of a room that moved on is decided again, and the parts of that room behind it in their order', async () => {
    const { database } = await open(noteTables)
    const order: string[] = []
    const claiming = (id: string, version: number, again: boolean, more: Partial<Part> = {}): Part => ({
      ...note(id),
      ...more,
      writes: [write(insertNote, id, null, null), write(upsertRoom, '!r', version + 1)],
      room: {
        id: '!r',
        version,
        decideAgain: async (_, now) => {
          order.push(`${id} ${now}`)
          return again ? claiming(id, now, again) : undefined
        },
      },
      applied: () => void order.push(id),
    })
    const parts = [
      claiming('a', 0, false),
      claiming('b', 1, true, { guards: [guard('never', 'row', selectNote, 'none')] }),
      claiming('c', 2, true),
      claiming('d', 3, false),
      claiming('e', 4, true),
    ]
    const outcomes = await Promise.all(parts.map((part) => database.commit(part)))
    expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.guard))).to.deep.equal(['ok', 'never', 'ok', 'room', 'ok'])
    expect(order.filter((entry) => !entry.includes(' '))).to.deep.equal(['a', 'c', 'e'])
    expect(order.filter((entry) => entry.includes(' '))).to.deep.equal(['c 1', 'd 2', 'e 2'])
    expect(await database.selectOne(selectRoom, '!r')).to.deep.equal({ version: 3 })
  })

  it('that claims a room and does not move its version fails alone', async () => {
    const { database } = await open(noteTables)
    const still: Part = { ...note('a'), room: { id: '!r', version: 0, decideAgain: never } }
    const outcomes = await Promise.allSettled([database.commit(still), database.commit(note('b'))])
    expect(outcomes.map((outcome) => outcome.status)).to.deep.equal(['rejected', 'fulfilled'])
    expect(await database.select(selectNoteIds)).to.deep.equal([{ id: 'b' }])
  })

  it('is applied in the order of positions, before any reader is woken and before it is answered', async () => {
    const { database, notifier } = await open(noteTables)
    const seen: string[] = []
    notifier.onAdvance((position, rows) => void seen.push(`moved to ${position}: ${rows.map((row) => row.key)}`))
    const commits = ['a', 'b'].map(async (id) => {
      await database.commit({ ...note(id), applied: (first) => void seen.push(`applied ${first} at ${notifier.position()}`) })
      seen.push(`answered ${id}`)
    })
    await Promise.all(commits)
    expect(seen).to.deep.equal(['applied 1 at 0', 'applied 2 at 0', 'moved to 2: a,b', 'answered a', 'answered b'])
  })
})
