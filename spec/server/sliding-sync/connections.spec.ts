import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import type { RoomId, UserId } from '../../../server/core/ids.ts'
import type { Requester } from '../../../server/http/endpoint.ts'
import { type Connection, createConnections, inTurn, type SentRoom } from '../../../server/sliding-sync/connections.ts'
import { unite } from '../../../server/sliding-sync/required-state.ts'

const requester = (userId: UserId, deviceId = 'D'): Requester => ({ userId, deviceId, session: 's', admin: false, service: undefined })
const alice = requester('@alice:hs.test')
const room = (upTo: number): SentRoom => ({
  upTo,
  membership: 'join',
  held: 1,
  wanted: unite([]),
  members: new Set(),
  isDm: false,
  counts: '',
})
const nothing = new Set<RoomId>()

describe('sliding sync connections', () => {
  let now: number
  const make = (mostCost?: number) =>
    createConnections({ clock: { now: () => now, sleep: async () => undefined }, random: randomBytes }, mostCost)
  beforeEach(() => {
    now = 1_000_000
  })

  it('hold an answer as told once the client comes back with its pos, and not before', () => {
    const connections = make()
    const connection = connections.open(alice, '')
    const first = connections.propose(connection, 5, nothing, new Map([['!a' as RoomId, room(5)]]))
    expect(connection.sent.size).to.equal(0)
    expect(connections.accept(connection, first)).to.equal(true)
    expect(connection.sent.get('!a')?.upTo).to.equal(5)
    const lost = connections.propose(connection, 7, nothing, new Map([['!a' as RoomId, room(7)]]))
    expect(connections.accept(connection, first)).to.equal(true)
    const second = connections.propose(connection, 7, nothing, new Map([['!a' as RoomId, room(8)]]))
    expect(connections.accept(connection, lost)).to.equal(false)
    expect(connections.accept(connection, second)).to.equal(true)
    expect(connections.accept(connection, first)).to.equal(false)
    expect(connection.sent.get('!a')?.upTo).to.equal(8)
  })

  it('are few for a device: the one unused for longest goes', () => {
    const connections = make()
    for (let at = 0; at < 10; at++, now++) connections.open(alice, `c${at}`)
    expect(connections.find(alice, 'c0')).not.to.equal(undefined)
    now++
    connections.open(alice, 'one more')
    expect(connections.find(alice, 'c0')).not.to.equal(undefined)
    expect(connections.find(alice, 'c1')).to.equal(undefined)
    connections.open(requester('@alice:hs.test', 'E'), 'c2')
    expect(connections.find(alice, 'c2')).not.to.equal(undefined)
  })

  it('end when they are not used, and with their device', () => {
    const connections = make()
    connections.open(alice, 'old')
    now += 8 * 24 * 60 * 60_000
    connections.open(alice, 'new')
    expect(connections.find(alice, 'old')).to.equal(undefined)
    connections.forgetDevice('@alice:hs.test', 'E')
    expect(connections.find(alice, 'new')).not.to.equal(undefined)
    connections.forgetDevice('@alice:hs.test', 'D')
    expect(connections.find(alice, 'new')).to.equal(undefined)
  })

  it('remember a bounded number of rooms together', () => {
    const connections = make(200)
    const wide = (userId: UserId): Connection => {
      const connection = connections.open(requester(userId), '')
      const changes = new Map(Array.from({ length: 70 }, (_, at) => [`!${at}` as RoomId, room(1)]))
      connections.accept(connection, connections.propose(connection, 1, nothing, changes))
      return connection
    }
    for (const userId of ['@a:hs.test', '@b:hs.test', '@c:hs.test'] as const) wide(userId)
    connections.open(alice, '')
    expect(connections.find(requester('@a:hs.test'), '')).to.equal(undefined)
    expect(connections.find(requester('@b:hs.test'), '')).not.to.equal(undefined)
  })

  it('give a pos that no connection of the same name had before', () => {
    const connections = make()
    const told = new Set<string>()
    for (let at = 0; at < 100; at++) told.add(connections.propose(connections.open(alice, ''), 1, nothing, new Map()))
    expect(told.size).to.equal(100)
  })

  it('answer one request at a time: a newer one ends the one before and waits for it', async () => {
    const connection = make().open(alice, '')
    const steps: string[] = []
    const task = (name: string) => async (signal: AbortSignal) => {
      steps.push(`${name} begins`)
      while (name === 'first' && !signal.aborted) await new Promise((resolve) => void setImmediate(resolve))
      await new Promise((resolve) => void setImmediate(resolve))
      steps.push(`${name} ends`)
      if (name === 'second') throw new Error('broken')
      return name
    }
    const never = new AbortController().signal
    const first = inTurn(connection, never, task('first'))
    const second = inTurn(connection, never, task('second')).catch((error: Error) => error.message)
    const third = inTurn(connection, never, task('third'))
    expect(await Promise.all([first, second, third])).to.deep.equal(['first', 'broken', 'third'])
    expect(steps).to.deep.equal(['first begins', 'first ends', 'second begins', 'second ends', 'third begins', 'third ends'])
    expect(connection.running).to.equal(undefined)
  })
})
