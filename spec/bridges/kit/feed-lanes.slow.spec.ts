import { expect } from 'chai'
import { createFeed, type Feed, type FeedOptions, Later } from '../../../bridges/kit/feed.ts'
import { randomNumbers } from '../../support/random-json.ts'

type Row = { seq: number; lane: string; state: 'new' | 'done' | 'set aside' }

/** A queue as it stands on disk, and what was read of it. */
class Queue {
  readonly rows: Row[] = []
  readonly perLane = new Map<string, Row[]>()
  passed = 0
  readonly loaded = new Map<string, number>()
  batches = 0

  add(lane: string): Row {
    const row: Row = { seq: this.rows.length + 1, lane, state: 'new' }
    this.rows.push(row)
    const ofLane = this.perLane.get(lane) ?? []
    this.perLane.set(lane, ofLane)
    ofLane.push(row)
    return row
  }
  fill(count: number, lane: string): void {
    for (let n = 0; n < count; n++) this.add(lane)
  }
  options(handle: (row: Row, signal: AbortSignal) => Promise<void>): FeedOptions<Row> {
    const from = (rows: readonly Row[], after: number, limit: number) => {
      const found: Row[] = []
      for (const row of rows) if (found.length < limit && row.seq > after && row.state === 'new') found.push(row)
      return found
    }
    return {
      name: 'test',
      waiting: (after, limit) => {
        const rows = from(this.rows, after, limit)
        this.passed += rows.length
        this.batches++
        return rows
      },
      select: (lane, after, limit) => {
        const rows = from(this.perLane.get(lane) ?? [], after, limit)
        this.loaded.set(lane, (this.loaded.get(lane) ?? 0) + rows.length)
        return rows
      },
      handle,
      failed: (row, last) => {
        if (last) row.state = 'set aside'
      },
      log: () => undefined,
    }
  }
}

describe('a feed of many lanes', () => {
  const feeds: Feed[] = []
  const open = (options: FeedOptions<Row>) => {
    const feed = createFeed(options)
    feeds.push(feed)
    return feed
  }
  afterEach(async () => {
    for (const feed of feeds.splice(0)) await feed.stop()
  })

  it('lets a message through at once when 20,000 wait in a chat that is stuck, reads over them once, and keeps hardly any', async () => {
    const queue = new Queue()
    queue.fill(20_000, 'stuck')
    queue.add('other')
    const through = Promise.withResolvers<void>()
    const feed = open(
      queue.options(async (row) => {
        if (row.lane === 'stuck') throw new Later('the network limits this chat', 3_600_000)
        row.state = 'done'
        through.resolve()
      }),
    )
    let turns = 0
    let counting = true
    const turn = () => {
      turns++
      if (counting) setImmediate(turn)
    }
    setImmediate(turn)
    feed.wake()
    await through.promise
    counting = false
    expect(queue.passed).to.equal(20_001)
    expect(turns, 'others have their turn between batches').to.be.at.least(queue.batches - 2)
    expect(queue.loaded.get('stuck')).to.be.at.most(25)
    for (let n = 0; n < 100; n++) feed.wake()
    queue.add('third')
    feed.wake()
    await new Promise((resolve) => setImmediate(resolve))
    expect(queue.passed, 'nothing is read over again').to.equal(20_002)
  })

  it('goes through all that was passed over when the lane is free again, in order', async () => {
    const queue = new Queue()
    queue.fill(3000, 'stuck')
    let stuck = true
    const handled: number[] = []
    const waiting = Promise.withResolvers<void>()
    const feed = open(
      queue.options(async (row) => {
        if (stuck) {
          waiting.resolve()
          throw new Later('not now')
        }
        row.state = 'done'
        handled.push(row.seq)
      }),
    )
    feed.wake()
    await waiting.promise
    stuck = false
    for (let n = 0; n < 500; n++) queue.add('stuck')
    feed.wake()
    await feed.idle()
    expect(handled).to.deep.equal(queue.rows.map(({ seq }) => seq))
  })

  it('is not held up by 3,000 lanes that all wait', async () => {
    const queue = new Queue()
    for (let n = 0; n < 3000; n++) queue.add(`stuck ${n}`)
    queue.add('other')
    const through = Promise.withResolvers<void>()
    const feed = open(
      queue.options(async (row) => {
        if (row.lane !== 'other') throw new Later('not now', 3_600_000)
        through.resolve()
      }),
    )
    feed.wake()
    await through.promise
    expect(queue.passed).to.equal(3001)
  })

  it('works on no more than a thousand at once, and on the others as soon as some have ended', async () => {
    const queue = new Queue()
    for (let n = 0; n < 2500; n++) queue.add(`lane ${n}`)
    let atWork = 0
    let most = 0
    const feed = open(
      queue.options(async (row) => {
        most = Math.max(most, ++atWork)
        for (let n = 0; n < 40; n++) await new Promise((resolve) => setImmediate(resolve))
        atWork--
        row.state = 'done'
      }),
    )
    feed.wake()
    await feed.idle()
    expect(queue.rows.every(({ state }) => state === 'done')).to.equal(true)
    expect(most).to.be.within(900, 1000)
  })

  it('takes up a row that was held when it is told to, also one that was at work just then', async () => {
    const queue = new Queue()
    let held = true
    const looked: number[] = []
    const atWork = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    for (let n = 0; n < 60; n++) queue.add('one')
    const feed = open(
      queue.options(async (row) => {
        looked.push(row.seq)
        const wasHeld = held
        if (row.seq === 60 && wasHeld) {
          atWork.resolve()
          await go.promise
        }
        if (!wasHeld) row.state = 'done'
      }),
    )
    feed.wake()
    await atWork.promise
    held = false
    feed.wake(1)
    go.resolve()
    await feed.idle()
    const all = queue.rows.map(({ seq }) => seq)
    expect(looked).to.deep.equal([...all, ...all])
    expect(queue.rows.every(({ state }) => state === 'done')).to.equal(true)
  })

  it('takes up an earlier row that it is told of before the one that waits to be tried again', async () => {
    const queue = new Queue()
    queue.fill(3, 'one')
    const [early] = queue.rows
    if (early) early.state = 'done'
    const looked: number[] = []
    const feed = open(
      queue.options(async (row) => {
        looked.push(row.seq)
        if (looked.length === 1) {
          if (early) early.state = 'new'
          feed.wake(1)
          throw new Later('the network limits this account', 1)
        }
        row.state = 'done'
      }),
    )
    feed.wake()
    await feed.idle()
    expect(looked).to.deep.equal([2, 1, 2, 3])
  })

  it('goes on when the queue could not be read for a moment', async () => {
    const queue = new Queue()
    queue.add('one')
    let broken = 1
    const options = queue.options(async (row) => {
      row.state = 'done'
    })
    const fails = <Args extends unknown[], T>(read: (...args: Args) => T) => {
      return (...args: Args) => {
        if (broken-- > 0) throw new Error('disk')
        return read(...args)
      }
    }
    const feed = open({ ...options, waiting: fails(options.waiting), select: fails(options.select) })
    feed.wake()
    await feed.idle()
    expect(queue.rows[0]?.state).to.equal('done')
  })

  for (let seed = 1; seed <= 6; seed++) {
    it(`handles everything once and in order, whatever happens meanwhile (${seed})`, async () => {
      const random = randomNumbers(seed)
      const queue = new Queue()
      const model = { at: new Set<string>(), wrong: [] as string[] }
      const below = new Map<string, number>()
      const handle = async (row: Row, signal: AbortSignal) => {
        if (model.at.has(row.lane)) model.wrong.push(`two of ${row.lane} at once`)
        model.at.add(row.lane)
        try {
          if (row.state !== 'new') model.wrong.push(`${row.seq} again`)
          const earlier = queue.perLane.get(row.lane)!.find(({ seq, state }) => state === 'new' && seq < row.seq)
          if (earlier && earlier.seq > (below.get(row.lane) ?? 0)) model.wrong.push(`${row.seq} before ${earlier.seq}`)
          for (let n = Math.floor(random() * 3); n > 0; n--) await new Promise((resolve) => setImmediate(resolve))
          if (signal.aborted || random() < 0.005) throw new Later('not now')
          row.state = 'done'
        } finally {
          model.at.delete(row.lane)
        }
      }
      let feed = open(queue.options(handle))
      for (let step = 0; step < 120; step++) {
        const lanes = 1 + Math.floor(random() * 12)
        for (let n = Math.floor(random() * 60); n > 0; n--) queue.add(`lane ${Math.floor(random() ** 2 * lanes)}`)
        if (random() < 0.7) feed.wake()
        if (random() < 0.1) {
          // Something that was done is to be done once more: it may come late, as what is at work goes first.
          const row = queue.rows[Math.floor(random() * queue.rows.length)]
          if (row?.state === 'done' && !model.at.has(row.lane)) {
            row.state = 'new'
            below.set(row.lane, Math.max(below.get(row.lane) ?? 0, row.seq))
            feed.wake(row.seq)
          }
        }
        if (random() < 0.03) feed.wake(1)
        if (random() < 0.03) {
          await feed.stop()
          feed = open(queue.options(handle))
          feed.wake()
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
      feed.wake()
      await feed.idle()
      expect(model.wrong).to.deep.equal([])
      expect(queue.rows.filter(({ state }) => state !== 'done')).to.deep.equal([])
    })
  }
})
