import { expect } from 'chai'
import { lowestDocument, momentOf, numbersOfPast } from '../../../server/search/document-numbers.ts'
import { mergeByTime } from '../../../server/search/merge-by-time.ts'

const first = (sentAt: number, depth = 1) => numbersOfPast('$event', sentAt, depth).next().value as number

describe('the numbers of what other servers gave of the past', () => {
  it('are below zero, in the order of time, at one moment in that of the room', () => {
    const moments = [-5, 1, 2, 1000.5, 1_700_000_000_000, 1_700_000_000_001, 4e12, 1e300]
    const numbers = moments.map((at) => first(at))
    expect(numbers).to.deep.equal(numbers.toSorted((a, b) => a - b))
    for (const number of numbers) expect(number).to.be.within(lowestDocument, -1)
    expect(first(1_700_000_000_000, 7)).to.be.lessThan(first(1_700_000_000_000, 8))
    expect(momentOf(first(1_700_000_000_000, 2047))).to.equal(1_700_000_000_000)
    expect(numbers.every(Number.isSafeInteger)).to.equal(true)
  })

  it('never run out at one moment: what finds its place taken stands somewhat earlier', () => {
    const taken = new Set<number>()
    for (let n = 0; n < 3000; n++) {
      for (const number of numbersOfPast(`$event${n}`, 1_700_000_000_000, 5)) {
        if (taken.has(number)) continue
        taken.add(number)
        break
      }
    }
    expect(taken.size).to.equal(3000)
    for (const number of taken) expect(number).to.be.within(first(1_700_000_000_000 - 10_000), first(1_700_000_000_000, 5))
  })
})

describe('what arrived and what was given of the past', () => {
  const past = (at: number) => ({ document: first(at), seen: seenAt(at) })
  const arrived = (document: number, at: number) => ({ document, seen: seenAt(at) })
  const merged = (one: ReturnType<typeof arrived>[], other: ReturnType<typeof past>[], limit = 9) =>
    mergeByTime(one, other, limit).map(({ seen }) => seen.event.pdu.origin_server_ts)

  it('come in the order of time', () => {
    expect(merged([arrived(3, 500), arrived(2, 300)], [past(400), past(200)])).to.deep.equal([500, 400, 300, 200])
    expect(merged([arrived(3, 500), arrived(2, 300)], [past(400), past(200)], 2)).to.deep.equal([500, 400])
    expect(merged([], [past(400)])).to.deep.equal([400])
    expect(merged([arrived(1, 7)], [])).to.deep.equal([7])
  })

  it('keep the order in which they arrived, whatever a sender says of the time', () => {
    expect(merged([arrived(3, 500), arrived(2, 1), arrived(1, 450)], [past(400), past(300)])).to.deep.equal([500, 1, 450, 400, 300])
  })
})

function seenAt(at: number) {
  return { event: { pdu: { origin_server_ts: at } } } as never as Parameters<typeof mergeByTime>[0][number]['seen']
}
