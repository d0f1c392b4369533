import { expect } from 'chai'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`to-device messages on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let people = 0
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  beforeEach(async () => {
    people++
    alice = await server.register(`alice${people}`)
    bob = await server.register(`bob${people}`)
  })

  const send = (txnId: string, messages: object) => alice.put(`/sendToDevice/org.test.note/${txnId}`, { messages })
  const sendOne = (txnId: string, n: number, deviceId = bob.deviceId) => send(txnId, { [bob.userId]: { [deviceId]: { n } } })
  const sync = async (client: Pick<TestUser, 'get'>, since?: string) => {
    const { body } = await client.get('/sync', { query: since === undefined ? {} : { since } })
    return { next: String(body['next_batch']), got: ((body['to_device']?.events ?? []) as Body[]).map(({ content }) => content['n']) }
  }

  it('arrive in order, as they were sent', async () => {
    for (const n of [1, 2, 3]) expect((await sendOne(`order${n}`, n)).body).to.deep.equal({})
    const { body } = await bob.get('/sync')
    expect(body['to_device'].events).to.deep.equal([1, 2, 3].map((n) => ({ type: 'org.test.note', sender: alice.userId, content: { n } })))
  })

  it('are told again under the same token, and never under the next', async () => {
    const start = await sync(bob)
    await sendOne('again', 1)
    const first = await sync(bob, start.next)
    expect(first.got).to.deep.equal([1])
    expect((await sync(bob, start.next)).got).to.deep.equal([1])
    const second = await sync(bob, first.next)
    expect(second.got).to.deep.equal([])
    expect((await sync(bob)).got, 'what was acknowledged is gone').to.deep.equal([])
  })

  it('are kept until they are acknowledged, over a restart too', async () => {
    const start = await sync(bob)
    await sendOne('kept', 1)
    server = await server.restart()
    const again = server.as(bob.token)
    const first = await sync(again, start.next)
    expect(first.got).to.deep.equal([1])
    server = await server.restart()
    expect((await sync(server.as(bob.token), start.next)).got).to.deep.equal([1])
    const acknowledged = server.as(bob.token)
    await sync(acknowledged, first.next)
    expect((await sync(acknowledged)).got).to.deep.equal([])
  })

  it('come at most a hundred at a time, none lost, none twice', async () => {
    const start = await sync(bob)
    const all = Array.from({ length: 230 }, (_, n) => n)
    for (const n of all) await sendOne(`many${n}`, n)
    const got: unknown[] = []
    const sizes: number[] = []
    for (let since = start.next, left = 4; left > 0; left--) {
      const answer = await sync(bob, since)
      expect((await sync(bob, since)).got, 'the same token tells the same').to.deep.equal(answer.got)
      got.push(...answer.got)
      sizes.push(answer.got.length)
      since = answer.next
    }
    expect(sizes).to.deep.equal([100, 100, 30, 0])
    expect(got).to.deep.equal(all)
  })

  it('come a hundred at a time to a device that syncs for the first time', async () => {
    for (let n = 0; n < 150; n++) await sendOne(`first${n}`, n)
    const first = await sync(bob)
    const second = await sync(bob, first.next)
    const third = await sync(bob, second.next)
    expect([first, second, third].map(({ got }) => got.length)).to.deep.equal([100, 50, 0])
  })

  it('of one transaction are sent once, over a restart too, also with another body', async () => {
    await sendOne('once', 1)
    await sendOne('once', 2)
    server = await server.restart()
    const again = server.as(alice.token)
    await again.put('/sendToDevice/org.test.note/once', { messages: { [bob.userId]: { [bob.deviceId]: { n: 3 } } } })
    expect((await sync(server.as(bob.token))).got).to.deep.equal([1])
  })

  it('of one transaction are sent once when they come twice at the same time', async () => {
    await Promise.all(Array.from({ length: 10 }, () => sendOne('together', 1)))
    expect((await sync(bob)).got).to.deep.equal([1])
  })

  it('under one id go out for each session and each type', async () => {
    await sendOne('shared', 1)
    await alice.put('/sendToDevice/org.test.other/shared', { messages: { [bob.userId]: { [bob.deviceId]: { n: 2 } } } })
    await bob.put('/sendToDevice/org.test.note/shared', { messages: { [bob.userId]: { [bob.deviceId]: { n: 3 } } } })
    expect((await sync(bob)).got).to.deep.equal([1, 2, 3])
  })

  it('for * reach every device, and a device with a message of its own gets that', async () => {
    const { people: accounts } = server.server
    const second = await accounts.createSession({ userId: bob.userId, deviceId: 'SECOND', displayName: undefined, refreshable: false })
    await send('all', { [bob.userId]: { '*': { n: 1 }, SECOND: { n: 2 } } })
    expect((await sync(bob)).got).to.deep.equal([1])
    expect((await sync(server.as(second.accessToken))).got).to.deep.equal([2])
  })

  it('for devices that are not there are passed over', async () => {
    expect((await sendOne('nobody', 1, 'NOTHING')).status).to.equal(200)
    expect((await send('elsewhere', { '@carol:elsewhere.test': { X: {} }, '@nobody:hs.test': { '*': {} } })).status).to.equal(200)
    const { people: accounts } = server.server
    const later = await accounts.createSession({ userId: bob.userId, deviceId: 'NOTHING', displayName: undefined, refreshable: false })
    expect((await sync(server.as(later.accessToken))).got).to.deep.equal([])
    expect((await sync(bob)).got).to.deep.equal([])
  })

  it('are refused in any other form', async () => {
    const { userId, deviceId } = bob
    for (const messages of [undefined, null, [], 'x', { bob: {} }, { [userId]: [] }, { [userId]: { [deviceId]: 'x' } }]) {
      const { status } = await alice.put('/sendToDevice/org.test.note/wrong', { messages })
      expect(status, JSON.stringify(messages)).to.equal(400)
    }
    expect((await alice.put('/sendToDevice/%00/wrong', { messages: {} })).status).to.equal(400)
    expect((await server.anonymous.put('/sendToDevice/org.test.note/wrong', { messages: {} })).status).to.equal(401)
  })
}
