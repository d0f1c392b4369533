import type { Subscription } from './notifier.ts'

export type Subscriptions = {
  subscribe(keys: Iterable<string>): Subscription
  /** Wakes who waits for these keys; each with the position of its newest row. */
  wake(keys: ReadonlyMap<string, number>): void
  /** Ends every wait with false. */
  close(): void
}

/** What subscriptions read of the past: the newest row of a key, and from where on memory knows all rows. */
export type Past = { lastOf(key: string): number; floor(): number }

type Waiter = { readonly after: number; readonly end: (woken: boolean) => void }
type Interest = { last: number; readonly waiters: Set<Waiter> }

/** Standing interests by key. To wake one costs a few steps, however many keys it has. */
export function subscriptions(past: Past): Subscriptions {
  const byKey = new Map<string, Set<Interest>>()
  const all = new Set<Interest>()

  const join = (key: string, interest: Interest) => {
    const interested = byKey.get(key)
    if (interested) interested.add(interest)
    else byKey.set(key, new Set([interest]))
    interest.last = Math.max(interest.last, past.lastOf(key))
  }
  const leave = (key: string, interest: Interest) => {
    const interested = byKey.get(key)
    interested?.delete(interest)
    if (interested?.size === 0) byKey.delete(key)
  }

  return {
    subscribe(keys) {
      const interest: Interest = { last: 0, waiters: new Set() }
      const own = new Set(keys)
      all.add(interest)
      for (const key of own) join(key, interest)
      return {
        keys: own,
        add(key) {
          own.add(key)
          join(key, interest)
          endWaits(interest)
        },
        delete(key) {
          own.delete(key)
          leave(key, interest)
        },
        wait: (after, milliseconds, signal) =>
          interest.last > after || after < past.floor() ? Promise.resolve(true) : wait(interest, after, milliseconds, signal),
        close() {
          for (const key of own) leave(key, interest)
          all.delete(interest)
          for (const waiter of interest.waiters) waiter.end(false)
        },
      }
    },
    wake(keys) {
      const woken = new Set<Interest>()
      for (const [key, position] of keys) {
        for (const interest of byKey.get(key) ?? []) {
          if (position > interest.last) interest.last = position
          if (interest.waiters.size > 0) woken.add(interest)
        }
      }
      for (const interest of woken) endWaits(interest)
    },
    close() {
      for (const interest of all) for (const waiter of interest.waiters) waiter.end(false)
    },
  }
}

function endWaits(interest: Interest): void {
  for (const waiter of interest.waiters) if (waiter.after < interest.last) waiter.end(true)
}

function wait(interest: Interest, after: number, milliseconds: number, signal: AbortSignal | undefined): Promise<boolean> {
  if (signal?.aborted || milliseconds <= 0) return Promise.resolve(false)
  return new Promise((resolve) => {
    const abort = () => waiter.end(false)
    const timer = setTimeout(abort, milliseconds)
    const waiter: Waiter = {
      after,
      end(woken) {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        interest.waiters.delete(waiter)
        resolve(woken)
      },
    }
    signal?.addEventListener('abort', abort, { once: true })
    interest.waiters.add(waiter)
  })
}
