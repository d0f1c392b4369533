import { mock } from 'node:test'
import { expect } from 'chai'
import { encodeBase64 } from '../../../server/core/base64.ts'
import { forEachEngine, type Opened } from '../../support/storage.ts'
import { day, newer, now, published, ringOver, says, theirs, type World, wanted } from './ring-over.ts'

const renewed = encodeBase64(newer.publicKey)

forEachEngine('the keys of other servers, while fifty do not answer,', (open) => {
  let opened: Opened
  beforeEach(async () => {
    opened = await open()
  })
  afterEach(() => mock.timers.reset())

  /** A ring whose places are taken by silent servers that events or requests name, from `fill` to the end that it gives. */
  function crowded(world: World, forRequest: boolean) {
    const silence = Promise.withResolvers<undefined>()
    const names = Array.from({ length: 50 }, (_, n) => `server${n}.test`)
    const ring = ringOver(opened.database, { ...Object.fromEntries(names.map((name) => [name, () => silence.promise])), ...world }, [], {
      turnMs: 60_000,
    })
    async function fill() {
      const most = ring.asked.length + 50
      const finding = names.map((serverName) => ring.find({ ...wanted, serverName, forRequest }))
      while (ring.asked.length < most) await new Promise((resolve) => setImmediate(resolve))
      return async () => {
        silence.resolve(undefined)
        await Promise.all(finding)
      }
    }
    return { ...ring, fill }
  }

  it('are had for a request while an event waits for its turn to ask for the same', async () => {
    let keys = [theirs]
    const { find, fill, asked, clock } = crowded({ 'peer.test': () => says('peer.test', now + day, keys) }, false)
    expect(await find({ ...wanted, forRequest: false })).to.equal(published)
    keys = [newer]
    clock.time += 1000
    const end = await fill()
    mock.timers.enable({ apis: ['setTimeout'] })
    const event = find({ ...wanted, keyId: newer.keyId, forRequest: false })
    expect(await find({ ...wanted, keyId: newer.keyId })).to.equal(renewed)
    mock.timers.reset()
    await end()
    expect(await event).to.equal(renewed)
    expect(asked.filter((name) => name === 'peer.test')).to.have.length(2)
  })

  it('are asked for as soon as there is room, though they may be asked for once in a while only', async () => {
    let keys = [theirs]
    const { find, fill, clock } = crowded({ 'peer.test': () => says('peer.test', now + day, keys) }, true)
    expect(await find(wanted)).to.equal(published)
    keys = [newer]
    clock.time += 1000
    const end = await fill()
    expect(await find({ ...wanted, keyId: newer.keyId })).to.equal(undefined)
    await end()
    expect(await find({ ...wanted, keyId: newer.keyId })).to.equal(renewed)
  })

  it('are not waited for again at once where that was in vain, and had as soon as there is room', async () => {
    const { find, fill, asked } = crowded({ 'peer.test': () => says('peer.test', now + day, [theirs]) }, false)
    const event = { ...wanted, forRequest: false }
    const end = await fill()
    mock.timers.enable({ apis: ['setTimeout'] })
    const first = find(event).then(() => true)
    while (!(await Promise.race([first, new Promise((resolve) => setImmediate(resolve, false))]))) mock.timers.tick(60_000)
    expect(await find(event)).to.equal(undefined)
    mock.timers.reset()
    await end()
    expect(asked).to.have.length(50)
    expect(await find(event)).to.equal(published)
  })
})
