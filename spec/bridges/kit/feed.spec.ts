import { expect } from 'chai'
import { createFeed, type Feed, Later } from '../../../bridges/kit/feed.ts'
import { MatrixRequestError } from '../../../bridges/kit/matrix/side.ts'

type Row = { seq: number; lane: string }

describe('a feed', () => {
  let rows: Row[]
  let log: string[]
  let setAside: number[]
  const feeds: Feed[] = []
  beforeEach(() => {
    rows = []
    log = []
    setAside = []
  })
  afterEach(async () => {
    for (const feed of feeds.splice(0)) await feed.stop()
  })

  const open = (handle: (row: Row, signal: AbortSignal) => Promise<void>) => {
    const feed = createFeed<Row>({
      name: 'test',
      waiting: (after, limit) => rows.filter(({ seq }) => seq > after).slice(0, limit),
      select: (lane, after, limit) => rows.filter((row) => row.lane === lane && row.seq > after).slice(0, limit),
      handle,
      failed: ({ seq }, last) => void (last && setAside.push(seq)),
      log: (_, words, facts) => log.push(`${words} ${facts?.['why']}`),
    })
    feeds.push(feed)
    return feed
  }
  const fill = (count: number, lane: (seq: number) => string) => {
    rows = Array.from({ length: count }, (_, index) => ({ seq: index + 1, lane: lane(index + 1) }))
  }

  it('handles every row once, those of a lane in order, also when woken again and again', async () => {
    fill(5000, (seq) => `lane ${seq % 7}`)
    const handled: number[] = []
    const feed = open(async ({ seq }) => {
      await null
      handled.push(seq)
    })
    for (let n = 0; n < 10; n++) feed.wake()
    await feed.idle()
    expect([...handled].sort((a, b) => a - b)).to.deep.equal(rows.map(({ seq }) => seq))
    for (let lane = 0; lane < 7; lane++) {
      const ofLane = handled.filter((seq) => seq % 7 === lane)
      expect(ofLane).to.deep.equal([...ofLane].sort((a, b) => a - b))
    }
  })

  it('tries again for as long as the other side is away, and holds only its lane', async () => {
    fill(3, (seq) => (seq === 3 ? 'other' : 'one'))
    const handled: number[] = []
    let away = 3
    const feed = open(async ({ seq }) => {
      if (seq === 1 && away-- > 0) throw away % 2 ? new MatrixRequestError(0, 'unreachable') : new Later('busy')
      handled.push(seq)
    })
    feed.wake()
    await feed.idle()
    expect(handled).to.deep.equal([3, 1, 2])
    expect(setAside).to.deep.equal([])
  })

  it('sets a poisoned row aside after five tries, and says nothing of what was in it', async () => {
    fill(2, () => 'one')
    const handled: number[] = []
    let tries = 0
    const feed = open(async ({ seq }) => {
      if (seq === 1) {
        tries++
        throw new TypeError('the secret text could not be read')
      }
      handled.push(seq)
    })
    feed.wake()
    await feed.idle()
    expect([tries, handled, setAside]).to.deep.equal([5, [2], [1]])
    expect(log.join('\n')).not.to.include('secret')
    expect(log.join('\n')).to.match(/set aside after five tries TypeError at feed\.spec\.ts:\d+/)
  })

  it('stops at once when told to, without taking anything new', async () => {
    fill(100, () => 'one')
    const handled: number[] = []
    const started = Promise.withResolvers<void>()
    const feed = open(async ({ seq }, signal) => {
      started.resolve()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      handled.push(seq)
    })
    feed.wake()
    await started.promise
    await feed.stop()
    expect(handled).to.deep.equal([1])
  })
})
