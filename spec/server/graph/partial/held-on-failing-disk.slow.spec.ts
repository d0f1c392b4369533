import { expect } from 'chai'
import type { RoomId } from '../../../../server/core/ids.ts'
import { createLanes } from '../../../../server/graph/lanes.ts'
import { receiveHeld } from '../../../../server/graph/partial/held-events.ts'
import { insertHeld, selectHeld } from '../../../../server/graph/partial/partial.store.ts'
import type { Room } from '../../../../server/graph/room.ts'
import { type Part, write } from '../../../../server/storage/database.ts'
import { forEachEngine } from '../../../support/storage.ts'

const roomId: RoomId = '!held:elsewhere.test'

forEachEngine('what is held of a room while the disk fails', (open) => {
  async function held(isDiskFull: () => boolean, receive: () => Promise<void>) {
    const { database: real } = await open()
    await real.commit({ writes: [write(insertHeld, roomId, '$one', 'elsewhere.test', 1, Buffer.from('{"one":1}'))] })
    const commit = (part: Part) => (isDiskFull() ? Promise.reject(new Error('the disk is full')) : real.commit(part))
    const log = { warn: () => {}, error: () => {}, info: () => {} }
    const tools = { database: { ...real, commit }, log } as unknown as Parameters<typeof receiveHeld>[0]
    const stop = new AbortController().signal
    const done = receiveHeld(tools, createLanes(), { roomId } as Room, receive, stop)
    return { done, left: async () => (await real.select(selectHeld, roomId, 10)).length }
  }

  it('stays held, and is received another time', async () => {
    const { done, left } = await held(
      () => true,
      () => Promise.reject(new Error('the disk is full')),
    )
    expect(await done.catch(({ message }: Error) => message)).to.equal('the disk is full')
    expect(await left()).to.equal(1)
  })

  it('is received when that fails once', async () => {
    let tries = 0
    const { done, left } = await held(
      () => false,
      async () => {
        if (++tries === 1) throw new Error('the connection was cut')
      },
    )
    await done
    expect([tries, await left()]).to.deep.equal([2, 0])
  })
})
