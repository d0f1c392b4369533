import { expect } from 'chai'
import type { UserId } from '../../../../server/core/ids.ts'
import type { Graph } from '../../../../server/graph/graph.ts'
import { knownKeys } from '../../../../server/keys/known-keys.ts'
import { createRemoteLists } from '../../../../server/keys/remote/remote-lists.ts'
import { deviceKeysOf } from '../../../support/device-keys.ts'
import { forEachEngine, type Opened } from '../../../support/storage.ts'

const bob: UserId = '@bob:elsewhere.test'

forEachEngine('device lists that are kept', (open, engine) => {
  const homeOf = (opened: Opened) => ({ ...opened, serverName: 'hs.test', clock: { now: () => 1, sleep: async () => undefined } })
  const listsOf = (opened: Opened, answer: () => Promise<object | undefined>) =>
    createRemoteLists({
      home: homeOf(opened),
      graph: {} as Graph,
      askServer: {
        ask: async () => {
          const body = await answer()
          return body === undefined ? { ok: false, silent: true } : { ok: true, body: body as never }
        },
        isBack: () => undefined,
      },
    })
  const known = (opened: Opened) => knownKeys({ home: homeOf(opened), people: { devicesOf: async () => new Map() } })
  const listOf = (streamId: number, ...deviceIds: string[]) => ({
    user_id: bob,
    stream_id: streamId,
    devices: deviceIds.map((deviceId) => ({ device_id: deviceId, keys: deviceKeysOf({ userId: bob, deviceId }).json })),
  })
  const devices = async (read: ReturnType<typeof known>) => [...(await read([bob]))[0]!.devices.keys()]

  it('are not hidden by what was in memory before, in whichever process', async () => {
    const here = await open()
    // Two processes share PostgreSQL; a SQLite file has one.
    const there = engine === 'postgres' ? await open() : here
    const [read, readThere] = [known(here), known(there)]
    const lists = listsOf(there, async () => listOf(1, 'PHONE'))
    expect(await devices(read)).to.deep.equal([])
    expect(await lists.refresh(bob, 1000)).to.equal('fresh')
    expect(await devices(readThere)).to.deep.equal(['PHONE'])
    await here.notifier.reached(there.notifier.position(), 60_000)
    expect(await devices(read)).to.deep.equal(['PHONE'])
    await lists.drop(bob)
    expect(await devices(read)).to.deep.equal([])
  })

  it('are asked for once by all who ask at the same time', async () => {
    let asked = 0
    const opened = await open()
    const lists = listsOf(opened, async () => {
      asked++
      return listOf(1)
    })
    await Promise.all([1, 2, 3].map(() => lists.refresh(bob, 1000)))
    expect(asked).to.equal(1)
  })

  it('are not replaced by what was asked for before something was missed, however often that happens', async () => {
    const opened = await open()
    let asked = 0
    const lists = listsOf(opened, async () => {
      asked++
      await lists.missed({ user_id: bob, stream_id: null }, asked)
      return listOf(asked, 'OLD')
    })
    expect(await lists.refresh(bob, 1000)).to.equal('refused')
    expect(await devices(known(opened))).to.deep.equal([])
    expect(asked).to.be.below(10)
  })

  it('stay as they are when their server does not answer', async () => {
    const opened = await open()
    let answer: object | undefined = listOf(1, 'PHONE')
    const lists = listsOf(opened, async () => answer)
    await lists.refresh(bob, 1000)
    answer = undefined
    expect(await lists.refresh(bob, 1000)).to.equal('silent')
    answer = { ...listOf(2), user_id: '@eve:elsewhere.test' }
    expect(await lists.refresh(bob, 1000)).to.equal('refused')
    expect(await devices(known(opened))).to.deep.equal(['PHONE'])
  })

  it('hold no more devices than anybody has', async () => {
    const opened = await open()
    const many = Array.from({ length: 1200 }, (_, n) => `D${n}`)
    const lists = listsOf(opened, async () => listOf(1, ...many))
    await lists.refresh(bob, 1000)
    expect(await devices(known(opened))).to.have.length(1000)
  })
})
