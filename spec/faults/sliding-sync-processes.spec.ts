import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type Cluster, type Hopper, startCluster } from '../support/cluster.ts'
import { type Body, engines } from '../support/server.ts'

const path = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'
const amount = 60

type Reader = { readonly bodies: Set<string>; readonly notes: number[]; isConnected: boolean; expired: number }

/** Reads by sliding sync until everything is there; begins anew where its connection is not known, and keeps its token for messages to the device. */
async function read(found: Reader, reader: Hopper, memberOf: (turn: number) => number): Promise<void> {
  let pos: string | undefined
  let since: string | undefined
  for (let turn = 0; found.bodies.size < amount || found.notes.length < amount; turn++) {
    const body = {
      lists: { all: { ranges: [[0, 9]], timeline_limit: 100, required_state: [] } },
      extensions: { to_device: { enabled: true, since } },
    }
    const query = pos === undefined ? '' : `?pos=${pos}&timeout=1000`
    const told = await reader.ask(memberOf(turn), 'POST', path + query, body).catch(() => undefined)
    if (told?.status === 200) {
      pos = told.body.pos
      found.isConnected = true
      since = told.body.extensions.to_device.next_batch
      for (const { content } of told.body.extensions.to_device.events) found.notes.push(content.n)
      for (const room of Object.values<Body>(told.body.rooms)) {
        for (const { content } of room.timeline ?? []) if (content.body !== undefined) found.bodies.add(content.body)
      }
    } else if (told !== undefined) {
      expect(told.body.errcode, JSON.stringify(told.body)).to.equal('M_UNKNOWN_POS')
      pos = undefined
      found.isConnected = false
      found.expired++
    } else await sleep(50)
  }
}

/** The last is written when the reader has lost a connection. */
async function write(found: Reader, writer: Hopper, reader: Hopper, roomId: string): Promise<void> {
  for (let n = 0; n < amount; n++) {
    while (n === amount - 1 && found.expired === 0) await sleep(20)
    const messages = { [reader.userId]: { [reader.deviceId]: { n } } }
    await writer.insist(n, 'PUT', `/rooms/${roomId}/send/m.room.message/m${n}`, { msgtype: 'm.text', body: `message ${n}` })
    await writer.insist(n + 1, 'PUT', `/sendToDevice/x.note/n${n}`, { messages })
  }
}

async function walk(cluster: Cluster, memberOf: (turn: number) => number, meanwhile: (found: Reader) => Promise<void>): Promise<Reader> {
  const [alice, bob] = [await cluster.register('alice'), await cluster.register('bob')]
  const { room_id: roomId } = (await bob.insist(0, 'POST', '/createRoom', { preset: 'public_chat' })).body
  await alice.insist(0, 'POST', `/join/${roomId}`, {})
  const found: Reader = { bodies: new Set(), notes: [], isConnected: false, expired: 0 }
  await Promise.all([read(found, alice, memberOf), write(found, bob, alice, roomId), meanwhile(found)])
  return found
}

const numbers = Array.from({ length: amount }, (_, n) => n)

describe('sliding sync where connections are lost', () => {
  it('loses nothing for a client that goes from one process to the other', async function () {
    const cluster = await startCluster('postgres', 2)
    if (!cluster) return this.skip()
    try {
      const found = await walk(
        cluster,
        (turn) => Math.floor(turn / 3),
        async () => undefined,
      )
      expect(found.notes).to.deep.equal(numbers)
      expect([...found.bodies]).to.deep.equal(numbers.map((n) => `message ${n}`))
      expect(found.expired).to.be.greaterThan(0)
    } finally {
      await cluster.close()
    }
  })

  for (const engine of engines) {
    it(`loses nothing when the server is killed and comes back, over ${engine}`, async function () {
      const cluster = await startCluster(engine, 1)
      if (!cluster) return this.skip()
      try {
        const found = await walk(
          cluster,
          () => 0,
          async (found) => {
            for (let kill = 0; kill < 2; kill++) {
              await sleep(150)
              // What is lost is a connection that there was.
              while (found.expired === 0 && !found.isConnected) await sleep(20)
              await cluster.members[0]?.kill()
              await cluster.members[0]?.start()
            }
          },
        )
        expect(found.notes).to.deep.equal(numbers)
        expect([...found.bodies]).to.deep.equal(numbers.map((n) => `message ${n}`))
        expect(found.expired).to.be.greaterThan(0)
      } finally {
        await cluster.close()
      }
    })
  }
})
