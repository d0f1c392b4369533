import { expect } from 'chai'
import { typingSection } from '../../../server/typing/typing.sync.ts'
import { createTyping } from '../../../server/typing/typing.ts'
import { forEachEngine, type Opened } from '../../support/storage.ts'

const room = '!room' as const

forEachEngine('createTyping', (open) => {
  /** A clock that stands still until it is moved. */
  const makeClock = () => {
    const waiting: { at: number; end: () => void }[] = []
    let time = 1000
    return {
      now: () => time,
      sleep: (milliseconds: number, signal?: AbortSignal) =>
        new Promise<void>((end) => {
          waiting.push({ at: time + milliseconds, end })
          signal?.addEventListener('abort', () => end())
        }),
      move(milliseconds: number) {
        time += milliseconds
        for (const { at, end } of waiting.splice(0)) at <= time ? end() : waiting.push({ at, end })
      },
    }
  }
  const silent = () => undefined
  const log = { error: silent, warn: silent, info: silent, debug: silent, writes: () => false, flush: silent }
  const moved = async ({ notifier }: Opened, position: number) => expect(await notifier.reached(position, 10_000)).to.equal(true)
  const typists = async (opened: Opened, clock: { now(): number; sleep(): Promise<void> }, after: number) => {
    const audience = { kind: 'device', userId: '@a:b', deviceId: 'D' } as const
    const between = {
      audience,
      after,
      upTo: opened.notifier.position(),
      rows: undefined,
      rooms: new Set([room]),
      newRooms: new Set<never>(),
    }
    const piece = await typingSection({ ...opened, clock }).between(between)
    return piece?.rooms?.get(room)?.ephemeral?.[0]?.['content']
  }

  it('ends what a process left behind that is gone', async () => {
    const opened = await open()
    const clock = makeClock()
    const gone = createTyping({ ...opened, clock, log })
    gone.set(room, '@alice:hs.test', 5000)
    await moved(opened, 1)
    await gone.stop()
    const next = createTyping({ ...opened, clock, log })
    clock.move(60_000)
    next.start()
    await moved(opened, 2)
    expect(await typists(opened, { ...clock, sleep: async () => undefined }, 1)).to.deep.equal({ user_ids: [] })
    await next.stop()
  })

  it('tells nobody anew of one who goes on typing', async () => {
    const opened = await open()
    const clock = makeClock()
    const typing = createTyping({ ...opened, clock, log })
    typing.set(room, '@alice:hs.test', 5000)
    typing.set(room, '@alice:hs.test', 9000)
    typing.set(room, '@bob:hs.test', 1000)
    await moved(opened, 2)
    expect(opened.notifier.changes(new Set([room]), 0, 9)).to.have.length(2)
    clock.move(6000)
    await moved(opened, 3)
    expect(await typists(opened, { ...clock, sleep: async () => undefined }, 0)).to.deep.equal({ user_ids: ['@alice:hs.test'] })
    await typing.stop()
  })

  it('tells it again of one who goes on for long, before other servers take it to be over', async () => {
    const opened = await open()
    const clock = makeClock()
    const typing = createTyping({ ...opened, clock, log })
    const rows = () => opened.notifier.changes(new Set([room]), 0, 99)
    typing.set(room, '@alice:hs.test', 60_000)
    await moved(opened, 1)
    for (let seconds = 0; seconds < 40; seconds += 10) {
      expect(rows()).to.have.length(1)
      clock.move(10_000)
      typing.set(room, '@alice:hs.test', 60_000)
    }
    await moved(opened, 2)
    clock.move(10_000)
    typing.set(room, '@alice:hs.test', 60_000)
    await typing.stop()
    expect(rows()).to.have.length(2)
  })
})
