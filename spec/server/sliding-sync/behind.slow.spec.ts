import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { startServer, type TestServer } from '../../support/server.ts'
import { slidingReader } from './sliding-reader.ts'

describe('sliding sync by a process that is behind another', () => {
  let ahead: TestServer
  let behind: TestServer

  before(async function () {
    const started = await startServer({ engine: 'postgres' })
    if (started === undefined) return this.skip()
    ahead = started
    const { database, signing_key_path } = ahead.config
    behind = await startServer({ config: { database, signing_key_path } })
  })
  after(async () => {
    await behind?.close()
    await ahead?.close()
  })

  it('goes on from the token that the other gave out, and tells nothing again', async () => {
    const alice = await ahead.register('alice')
    const { notifier } = behind.server.home
    await notifier.reached(ahead.server.home.notifier.position(), 60_000)
    let isHeld = true
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    notifier.beforeAdvance(() => (isHeld ? held : undefined))

    const to = { messages: { [alice.userId]: { [alice.deviceId]: { n: 1 } } } }
    await alice.put('/sendToDevice/x.note/1', to)
    const body = (since?: string) => ({ extensions: { to_device: { enabled: true, since } } })
    const told = (await slidingReader(alice).next(body())).extensions.to_device
    expect(told.events).to.have.length(1)
    const answer = slidingReader(behind.as(alice.token)).next(body(told.next_batch))
    // Longer than a process waits for what is on its way.
    await sleep(1500)
    isHeld = false
    release()
    const { events, next_batch: next } = (await answer).extensions.to_device
    expect(events).to.deep.equal([])
    expect(Number(next)).to.be.at.least(Number(told.next_batch))
  })
})
