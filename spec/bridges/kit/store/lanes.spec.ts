import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect } from 'chai'
import { createInbox, fillLanes } from '../../../../bridges/kit/inbox.ts'
import { selectNewInbox, selectNewInboxLanes } from '../../../../bridges/kit/store/inbox.store.ts'
import { selectNewChoreLanes, selectNewChores } from '../../../../bridges/kit/store/management.store.ts'
import { migrations } from '../../../../bridges/kit/store/migrations.ts'
import { selectQueuedLanes, selectQueuedOf } from '../../../../bridges/kit/store/queued.store.ts'
import { openStore, type Store } from '../../../../bridges/kit/store/store.ts'
import { selectNewMatrixEventLanes, selectNewMatrixEvents } from '../../../../bridges/kit/store/transactions.store.ts'
import { openVault } from '../../../../bridges/kit/vault.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { createWorld, messagesIn, openKit } from '../house-of-cards.ts'
import { ana, ben, said } from '../story.ts'

describe('the lanes of the queues', () => {
  let folder: string
  beforeEach(() => {
    folder = temporaryFolder()
  })
  afterEach(() => removeFolder(folder))

  it('are read through an index each, and never by looking at the rows of others', () => {
    const store = openStore(join(folder, 'bridge.db'))
    const plans: string[] = []
    const prepare = (sql: string) => {
      const steps = store.database.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
      const given = /@/.test(sql) ? [{ after: 0, limit: 1, lane: 'x', room: 'x' }] : (sql.match(/\?/g) ?? []).map(() => 1)
      plans.push(
        steps
          .all(...given)
          .map(({ detail }) => detail)
          .join(', '),
      )
      return store.database.prepare(sql)
    }
    const watched = { ...store, prepare } as Store
    selectNewInbox(watched, 0, 1, 'x')
    selectNewMatrixEvents(watched, 0, 1, 'x')
    selectNewChores(watched, 0, 1, 'x')
    selectQueuedOf(watched, 'x', 0, 1)
    for (const select of [selectNewInboxLanes, selectNewMatrixEventLanes, selectNewChoreLanes, selectQueuedLanes]) select(watched, 0, 1)
    const used = plans.map((plan) => /USING (?:COVERING )?INDEX (\w+)/.exec(plan)?.[1])
    const ofLanes = ['inbox_lane', 'matrix_events_lane', 'chores_lane', 'outbox_lane']
    expect(used).to.deep.equal([...ofLanes, 'inbox_new', 'matrix_events_new', 'chores_new', 'outbox_queued'])
    for (const plan of plans)
      expect(plan)
        .to.match(/^SEARCH/)
        .and.not.match(/TEMP B-TREE/)
    store.close()
  })

  it('are given to what an earlier version kept, before any of it is worked on', async () => {
    const world = createWorld(folder)
    const vault = openVault('whatsapp', join(folder, 'vault.key'))
    const earlier = new Database(join(folder, 'bridge.db'))
    const before = migrations.findIndex((script) => script.includes('ADD COLUMN lane'))
    for (const script of migrations.slice(0, before)) earlier.exec(script)
    earlier.pragma(`user_version = ${before}`)
    const insert = earlier.prepare('INSERT INTO inbox (dedup, raw, received_at) VALUES (?, ?, ?)')
    for (let n = 0; n < 60; n++) {
      const raw = n === 7 ? 'no item' : JSON.stringify(said(n % 5 === 0 ? ben : ana, `w${n}`, `${n % 5 === 0 ? 'b' : 'a'}${n}`))
      insert.run(`d${n}`, vault.seal(raw, `inbox d${n}`), world.now)
    }
    earlier.close()
    const kit = await openKit(world)
    await fillLanes(kit)
    expect(new Set(selectNewInboxLanes(kit.store, 0, 1000).map(({ lane }) => lane)).size).to.equal(3)
    kit.store.database.prepare('DELETE FROM inbox WHERE dedup = ?').run('d7')
    const feed = createInbox(kit, () => undefined)
    feed.wake()
    await feed.idle()
    await feed.stop()
    const texts = messagesIn(world).map((line) => line.replace('ghost: ', ''))
    for (const name of ['a', 'b']) {
      const own = texts.filter((text) => text.startsWith(name)).map((text) => Number(text.slice(1)))
      expect(own).to.have.length(name === 'b' ? 12 : 47)
      expect(own).to.deep.equal([...own].sort((one, other) => one - other))
    }
    kit.close()
  })
})
