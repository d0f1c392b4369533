import { expect } from 'chai'
import type { UserId } from '../../../../server/core/ids.ts'
import type { Graph } from '../../../../server/graph/graph.ts'
import { deviceListReceivers } from '../../../../server/keys/remote/device-list.edu.ts'
import { selectList } from '../../../../server/keys/remote/remote-lists.store.ts'
import { createRemoteLists } from '../../../../server/keys/remote/remote-lists.ts'
import type { Part } from '../../../../server/storage/database.ts'
import { forEachEngine } from '../../../support/storage.ts'

const bob: UserId = '@bob:elsewhere.test'

forEachEngine('a device list that is changed by others whenever an update of it comes', (open) => {
  for (const type of ['m.device_list_update', 'm.signing_key_update']) {
    it(`is asked for anew (${type})`, async () => {
      const opened = await open()
      let isCrowded = false
      const commit = (part: Part) =>
        isCrowded && part.guards?.some(({ name }) => name === 'list')
          ? Promise.resolve({ ok: false, guard: 'list' } as const)
          : opened.database.commit(part)
      const database = { ...opened.database, commit }
      const home = { ...opened, database, serverName: 'hs.test', clock: { now: () => 1, sleep: async () => undefined } }
      const askServer = {
        ask: async () => ({ ok: true, body: { user_id: bob, stream_id: 5, devices: [] } }) as const,
        isBack: () => undefined,
      }
      const lists = { ...createRemoteLists({ home, graph: {} as Graph, askServer }), isShared: async () => true }
      expect(await lists.refresh(bob, 1000)).to.equal('fresh')
      const receiver = deviceListReceivers({ home, lists, askServer }).find((one) => one.type === type)!
      isCrowded = true
      const master = {
        user_id: bob,
        usage: ['master'],
        keys: { 'ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA': 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' },
      }
      const device = { device_id: 'PHONE', stream_id: 6, prev_id: [5], deleted: true }
      await receiver.receive({ user_id: bob, ...(type === 'm.device_list_update' ? device : { master_key: master }) }, 'elsewhere.test')
      expect((await database.selectOne(selectList, bob))?.stale).to.equal(1)
    })
  }
})
