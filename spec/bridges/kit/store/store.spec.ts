import { join } from 'node:path'
import { expect } from 'chai'
import { finishInbox, forgetInbox, insertInbox } from '../../../../bridges/kit/store/inbox.store.ts'
import { openStore } from '../../../../bridges/kit/store/store.ts'
import {
  finishTransaction,
  forgetTransactions,
  insertTransaction,
  selectNewTransactions,
} from '../../../../bridges/kit/store/transactions.store.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { selectNewInbox } from '../queues.ts'

describe('the store of a bridge', () => {
  let folder: string
  beforeEach(() => {
    folder = temporaryFolder()
  })
  afterEach(() => removeFolder(folder))
  const file = () => join(folder, 'bridge.db')

  it('is durable at every commit, and keeps what it holds', () => {
    const store = openStore(file())
    expect(store.database.pragma('journal_mode', { simple: true })).to.equal('wal')
    expect(store.database.pragma('synchronous', { simple: true })).to.equal(2)
    insertInbox(store, [{ dedup: 'a', lane: 'one', raw: Buffer.from('x') }], 1)
    store.close()
    const again = openStore(file())
    expect(selectNewInbox(again, 0, 10)).to.have.length(1)
    again.close()
  })

  it('belongs to one process at a time: a second one is told so', () => {
    const store = openStore(file())
    expect(() => openStore(file())).to.throw('another process is using this data folder')
    store.close()
    openStore(file()).close()
  })

  it('refuses what a newer version wrote', () => {
    const store = openStore(file())
    store.database.pragma('user_version = 999')
    store.close()
    expect(() => openStore(file())).to.throw('newer version')
  })

  it('forgets what was dealt with long ago, never what is still to do', () => {
    const store = openStore(file())
    insertInbox(
      store,
      [
        { dedup: 'done', lane: 'one', raw: Buffer.from('x') },
        { dedup: 'open', lane: 'one', raw: Buffer.from('y') },
      ],
      1,
    )
    insertTransaction(store, 'done', Buffer.from('{}'), 1)
    insertTransaction(store, 'open', Buffer.from('{}'), 1)
    finishInbox(store, 1, 'done')
    finishTransaction(store, 1)
    expect(insertInbox(store, [{ dedup: 'done', lane: 'one', raw: Buffer.from('x') }], 1)).to.equal(0)
    forgetInbox(store, 2)
    forgetTransactions(store, 2)
    expect(selectNewInbox(store, 0, 10).map(({ dedup }) => dedup)).to.deep.equal(['open'])
    expect(selectNewTransactions(store, 0, 10).map(({ txn }) => txn)).to.deep.equal(['open'])
    expect(store.database.prepare('SELECT count(*) FROM inbox').pluck().get()).to.equal(1)
    store.close()
  })

  it('prepares a statement once, and apart for rows and for values', () => {
    const store = openStore(file())
    const sql = 'SELECT 1 AS one'
    expect(store.prepare(sql)).to.equal(store.prepare(sql))
    expect(store.pluck(sql)).to.equal(store.pluck(sql))
    expect([store.prepare(sql).get(), store.pluck(sql).get()]).to.deep.equal([{ one: 1 }, 1])
    store.close()
  })

  it('undoes all of a transaction that fails, also the one inside another', () => {
    const store = openStore(file())
    const keep = (dedup: string) => insertInbox(store, [{ dedup, lane: 'one', raw: Buffer.from('x') }], 1)
    store.atomically(() => {
      keep('outer')
      expect(() =>
        store.atomically(() => {
          keep('inner')
          throw new Error('no')
        }),
      ).to.throw('no')
    })
    expect(selectNewInbox(store, 0, 10).map(({ dedup }) => dedup)).to.deep.equal(['outer'])
    store.close()
  })
})
