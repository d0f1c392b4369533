import { expect } from 'chai'
import type { RoomId, UserId } from '../../../server/core/ids.ts'
import { createListeners } from '../../../server/storage/listeners.ts'
import { subscriptions } from '../../../server/storage/subscriptions.ts'

describe('listeners', () => {
  it('are one a session, also when its first requests come at the same time', async () => {
    let open = 0
    const { subscribe } = subscriptions({ lastOf: () => 0, floor: () => 0 })
    const counted = (keys: Iterable<string>) => {
      open++
      const subscription = subscribe(keys)
      return {
        ...subscription,
        close: () => {
          open--
          subscription.close()
        },
      }
    }
    const rooms: ReadonlySet<RoomId> = new Set(['!a:hs.test' as RoomId])
    const listeners = createListeners({ subscribe: counted }, async () => ({ rooms }))
    const requester = { session: 'one', userId: '@alice:hs.test' as UserId }
    const all = await Promise.all([listeners.of(requester), listeners.of(requester), listeners.of(requester)])
    expect(new Set(all).size).to.equal(1)
    expect(open).to.equal(1)
  })

  it('stay as long as somebody waits with them, however many others come', async () => {
    const { subscribe, wake } = subscriptions({ lastOf: () => 0, floor: () => 0 })
    const listeners = createListeners({ subscribe }, async () => ({ rooms: new Set<RoomId>() }), 3)
    const of = (name: string) => listeners.of({ session: name, userId: `@${name}:hs.test` })
    const first = await of('first')
    const woken = first.subscription.wait(0, 60_000)
    const idle = await of('idle')
    for (let others = 0; others < 50; others++) await of(`other${others}`)
    expect(await of('idle')).to.not.equal(idle)
    wake(new Map([['@first:hs.test', 1]]))
    expect(await woken).to.equal(true)
    expect(await of('first')).to.equal(first)
  })
})
