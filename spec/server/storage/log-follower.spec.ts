import { expect } from 'chai'
import type { Logged } from '../../../server/storage/database.ts'
import { createLogFollower, type Step } from '../../../server/storage/log-follower.ts'

type Listener = (position: number, rows: readonly Logged[]) => void

/** A follower whose steps are these, each told whether something is written while it runs; gives how long it slept after each. */
async function sleepsOf(steps: readonly { writes: string | undefined; isBehind: boolean }[]): Promise<number[]> {
  let tell: Listener = () => {}
  const sleeps: number[] = []
  const done = Promise.withResolvers<void>()
  const left = [...steps]
  const sleep = async (milliseconds: number) => {
    sleeps.push(milliseconds)
    if (left.length === 0) done.resolve()
  }
  const notifier = {
    onAdvance: (listener: Listener) => {
      tell = listener
      return () => {}
    },
  }
  const step = async (): Promise<Step> => {
    const next = left.shift()
    if (next?.writes !== undefined) tell(7, [{ position: 7, kind: next.writes, key: '!room' }])
    return { upTo: 1, isBehind: next?.isBehind ?? false }
  }
  const log = { error: (words: string) => done.reject(new Error(words)) }
  const follower = createLogFollower({ notifier, clock: { sleep }, log }, { name: 'the spec', kinds: ['event'], step })
  follower.start()
  await done.promise
  await follower.stop()
  return sleeps.slice(0, steps.length)
}

describe('A follower of the log', () => {
  it('gives way between its steps while others write, and hardly where nobody does', async () => {
    const behind = { isBehind: true }
    const [busy, quiet, other] = await sleepsOf([
      { ...behind, writes: 'event' },
      { ...behind, writes: undefined },
      { ...behind, writes: 'receipt' },
    ])
    expect(quiet).to.be.lessThan(busy! / 10)
    expect(other).to.equal(quiet)
  })

  it('gathers what comes for a moment once it has come to the end', async () => {
    const [gathers] = await sleepsOf([{ isBehind: false, writes: 'event' }])
    const [busy] = await sleepsOf([{ isBehind: true, writes: 'event' }])
    expect(gathers).to.equal(busy)
  })
})
