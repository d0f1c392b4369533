import { expect } from 'chai'
import { insertAside } from '../../../server/graph/receive/stored.store.ts'
import { write } from '../../../server/storage/database.ts'
import { migrations } from '../../../server/storage/migrations/migrations.ts'
import { forEachEmpty, selectLogRows } from '../../support/storage.ts'

const step = '0102-searched-history'

/** An event beside the timeline, as another server gave it. */
const aside = (eventId: string, type: string, rejected: number, softFailed: number, sentAt: number) =>
  write(insertAside, eventId, '!r', 1, -sentAt, type, null, '@a:b', '$g', rejected, softFailed, null, null, sentAt, Buffer.from('{}'))

forEachEmpty('history that was here before it could be searched', (open) => {
  it('is told of in the order of time, after all that the log said before', async () => {
    const older = await open({ migrations: migrations.filter(({ id }) => id < step) })
    const writes = [
      aside('$second', 'm.room.message', 0, 0, 2),
      aside('$first', 'm.room.topic', 0, 0, 1),
      aside('$third', 'm.room.redaction', 0, 0, 3),
      aside('$rejected', 'm.room.message', 1, 0, 4),
      aside('$failed', 'm.room.message', 0, 1, 4),
      aside('$member', 'm.room.member', 0, 0, 4),
    ]
    await older.database.commit({ writes, log: [{ kind: 'event', key: '!other' }] })
    await older.database.close()
    const { database, notifier } = await open()
    const rows = await database.select(selectLogRows)
    expect(rows.map(({ kind, key }) => [kind, key])).to.deep.equal([
      ['event', '!other'],
      ['history', '$first'],
      ['history', '$second'],
      ['history', '$third'],
    ])
    expect(rows.at(-1)!.position).to.equal(notifier.position())
  })
})
