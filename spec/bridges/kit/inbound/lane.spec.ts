import { expect } from 'chai'
import type { InboundEvent, RemoteId } from '../../../../bridges/kit/connector.ts'
import { addIdentities, resolveContact } from '../../../../bridges/kit/ghosts.ts'
import { laneOf } from '../../../../bridges/kit/inbound/lane.ts'
import { accept } from '../../../../bridges/kit/inbox.ts'
import { loginOf } from '../../../../bridges/kit/logins.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { account, createWorld, openKit, type World } from '../house-of-cards.ts'
import { selectNewInbox } from '../queues.ts'

const phone = (value: string): RemoteId => ({ kind: 'phone', value })
const user = (value: string): RemoteId => ({ kind: 'bsuid', value })
const from = (...ids: [RemoteId, ...RemoteId[]]): InboundEvent => ({
  ...{ type: 'message', account, own: false, id: String(Math.random()), text: 'hello' },
  chat: { ids },
})

describe('what comes of one person is worked on in order', () => {
  let world: World
  let kit: Awaited<ReturnType<typeof openKit>>
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    kit = await openKit(world)
  })
  afterEach(() => {
    kit.close()
    removeFolder(world.folder)
  })

  const [number, other] = [phone('15550000001'), phone('15550000002')]
  const [ana, ben] = [user('US.ana'), user('US.ben')]

  it('under any of the ids that came together before, whether it is known who it is or not', async () => {
    const lane = laneOf(kit, from(ana, number))
    expect(laneOf(kit, from(number))).to.equal(lane)
    expect(laneOf(kit, from(ana))).to.equal(lane)
    expect(laneOf(kit, from(ben, other))).to.not.equal(lane)
    kit.close()
    kit = await openKit(world)
    expect(laneOf(kit, from(number))).to.equal(lane)
    expect(laneOf(kit, from(ana))).to.equal(lane)
  })

  it('under an id that the network told in its answer to a message', () => {
    const login = loginOf(kit, account) ?? ''
    const lane = laneOf(kit, from(ana))
    const contact = resolveContact(kit, login, { ids: [ana] })
    addIdentities(kit, login, contact, [number])
    expect(laneOf(kit, from(number))).to.equal(lane)
  })

  it('under a new number, from the notice of it on', () => {
    const lane = laneOf(kit, from(ana, number))
    const moved: InboundEvent = { type: 'identity', account, chat: { ids: [ben, other] }, was: { ids: [ana, number] } }
    expect(laneOf(kit, moved)).to.equal(lane)
    expect(laneOf(kit, from(other))).to.equal(lane)
    expect(laneOf(kit, from(ben))).to.equal(lane)
  })

  it('under a number that was somebody else’s before, from the notice of it on; whoever had it keeps their own order', () => {
    const lane = laneOf(kit, from(number))
    const before = laneOf(kit, from(ben, other))
    const moved = (at: number): InboundEvent => ({ type: 'identity', account, at, chat: { ids: [other] }, was: { ids: [number] } })
    expect(laneOf(kit, moved(world.now - 50 * 86_400_000))).to.equal(lane)
    expect(laneOf(kit, from(other))).to.equal(before)
    expect(laneOf(kit, moved(world.now))).to.equal(lane)
    expect(laneOf(kit, from(other))).to.equal(lane)
    expect(laneOf(kit, from(ben))).to.equal(before)
    expect(laneOf(kit, from(number))).to.equal(lane)
  })

  it('by the id that stays, when the number is somebody else’s now', () => {
    const before = laneOf(kit, from(ana, number))
    const lane = laneOf(kit, from(ben, other))
    expect(laneOf(kit, from(ben, number))).to.equal(lane)
    expect(laneOf(kit, from(ana))).to.equal(before)
  })

  it('as it is kept, and without an id in the clear', () => {
    const events = [from(ana, number), from(number), from(ana), from(ben)]
    accept(
      kit,
      events.map((event) => ({ dedupKey: JSON.stringify(event), raw: JSON.stringify(event) })),
    )
    const lanes = selectNewInbox(kit.store, 0, 10).map((row) => row.lane)
    expect(new Set(lanes.slice(0, 3)).size).to.equal(1)
    expect(lanes[3]).to.not.equal(lanes[0])
    const kept = JSON.stringify(kit.store.database.prepare('SELECT * FROM lanes').all())
    expect(kept).to.not.match(/1555|US\.a/)
  })
})
