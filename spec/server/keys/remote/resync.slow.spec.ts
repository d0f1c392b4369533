import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'chai'
import type { UserId } from '../../../../server/core/ids.ts'
import type { Graph } from '../../../../server/graph/graph.ts'
import { createRemoteLists } from '../../../../server/keys/remote/remote-lists.ts'
import { resyncReader } from '../../../../server/keys/remote/resync.reader.ts'
import { forEachEngine } from '../../../support/storage.ts'

const [bob, carol]: UserId[] = ['@bob:elsewhere.test', '@carol:elsewhere.test']

forEachEngine('device lists of which something was missed', (open) => {
  it('are asked for as soon as their server has answered what it was asked before', async () => {
    const opened = await open()
    const sleep = async (milliseconds: number, signal?: AbortSignal) =>
      void (await wait(milliseconds, undefined, signal ? { signal } : {}).catch(() => {}))
    const clock = { now: () => Date.now(), sleep }
    const waiting = new Map<string, (isAsked: boolean) => void>()
    const asked = new Map([bob!, carol!].map((userId) => [userId, new Promise<boolean>((resolve) => waiting.set(userId, resolve))]))
    let answer = () => {}
    const answered = new Promise<void>((resolve) => {
      answer = resolve
    })
    const log = { error: () => {}, info: () => {}, warn: () => {} }
    const home = { ...opened, serverName: 'hs.test', clock, log }
    const lists = createRemoteLists({
      home,
      graph: {} as Graph,
      askServer: {
        ask: async (_, { path }) => {
          const userId = decodeURIComponent(path.replace('/devices/', '')) as UserId
          waiting.get(userId)?.(true)
          if (userId === bob) await answered
          return { ok: true, body: { user_id: userId, stream_id: 7, devices: [] } }
        },
        isBack: () => undefined,
      },
    })
    const reader = resyncReader({ home: home as never, lists: { ...lists, isShared: async () => true } })
    await reader.start()
    try {
      await lists.fetchLater([bob!])
      await asked.get(bob!)
      await lists.fetchLater([carol!])
      // It is looked at what is to be asked for, and Bob's server has not answered yet.
      await wait(100)
      answer()
      expect(await asked.get(carol!)).to.equal(true)
    } finally {
      answer()
      await reader.stop()
    }
  })
})
