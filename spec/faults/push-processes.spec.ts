import { expect } from 'chai'
import { pusher } from '../server/push/push-scene.ts'
import { type PushGateway, startPushGateway } from '../server/push/stand-in-gateway.ts'
import { type Cluster, type Hopper, startCluster } from '../support/cluster.ts'

describe('pushing from real processes', () => {
  let cluster: Cluster | undefined
  let gateway: PushGateway
  let alice: Hopper
  let room: string

  beforeEach(async () => {
    gateway = await startPushGateway()
  })
  afterEach(async () => {
    await cluster?.close()
    await gateway.close()
    cluster = undefined
  })

  async function begin(started: Cluster): Promise<void> {
    cluster = started
    alice = await started.register('alice')
    const bob = await started.register('bob')
    room = (await alice.insist(0, 'POST', '/createRoom', { preset: 'public_chat' })).body.room_id
    await bob.insist(0, 'POST', `/rooms/${room}/join`, {})
    await bob.insist(0, 'POST', '/pushers/set', pusher(gateway))
  }
  const say = async (member: number, n: number): Promise<string> =>
    (await alice.insist(member, 'PUT', `/rooms/${room}/send/m.room.message/${n}`, { msgtype: 'm.text', body: `${n}` })).body.event_id
  const told = () => gateway.taken.map(({ event_id }) => event_id)
  const toldAll = async (ids: readonly string[]) => {
    while (!ids.every((id) => told().includes(id))) await gateway.took(gateway.taken.length + 1)
  }

  it('loses nothing that was acknowledged when the process is killed, and doubles no more than what was on its way', async () => {
    await begin((await startCluster('sqlite'))!)
    const ids: string[] = []
    const kills = 3
    for (let round = 0; round < kills; round++) {
      for (let n = 0; n < 8; n++) ids.push(await say(0, round * 8 + n))
      await cluster!.members[0]!.kill()
      await cluster!.members[0]!.start()
    }
    ids.push(await say(0, 1000))
    await toldAll(ids)
    expect(told().length - ids.length).to.be.at.most(kills)
    expect([...new Set(told())]).to.deep.equal(ids)
  })

  it('tells once what several processes could tell, and goes on when one of them dies', async function () {
    const started = await startCluster('postgres', 2)
    if (!started) return this.skip()
    await begin(started)
    const ids: string[] = []
    for (let n = 0; n < 10; n++) ids.push(await say(n % 2, n))
    await toldAll(ids)
    expect(told()).to.deep.equal(ids)
    await started.members[0]!.kill()
    const later = await say(1, 100)
    await toldAll([later])
    await started.members[0]!.start()
    const last = await say(0, 101)
    await toldAll([last])
    // The last one before the death may have been on its way: it is told again.
    expect([...new Set(told())]).to.deep.equal([...ids, later, last])
    expect(told().length).to.be.at.most(ids.length + 3)
  })
})
