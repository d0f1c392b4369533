import type { Logged } from './database.ts'

/** A standing interest in keys; lives across polls, so that a poll costs nothing per room. */
export type Subscription = {
  readonly keys: ReadonlySet<string>
  add(key: string): void
  delete(key: string): void
  /** Resolves true as soon as a row of these keys has a position above `after` (at once if there is one), false after the time or on abort. */
  wait(after: number, milliseconds: number, signal?: AbortSignal): Promise<boolean>
  close(): void
}

export type Notifier = {
  /** Everything up to here is durable and applied to this process's memory. */
  position(): number
  /** A standing interest in `keys`. Take it first, then look, then wait. */
  subscribe(keys: Iterable<string>): Subscription
  /** The rows of `keys` in (after, upTo], from memory; undefined when memory does not reach back to `after`: then ask the tables. */
  changes(keys: ReadonlySet<string>, after: number, upTo: number): Logged[] | undefined
  /** Every row in (after, upTo], from memory or the log table, at most `limit`; for readers. */
  rows(after: number, upTo: number, limit: number): Promise<Logged[]>
  /** Resolves when `position()` has reached `position`, false after the time or when `signal` aborts. For readers, and a `since` that another process gave out. */
  reached(position: number, milliseconds: number, signal?: AbortSignal): Promise<boolean>
  /** Called with rows that another process wrote, before the position moves past them; awaited. */
  beforeAdvance(apply: (rows: readonly Logged[]) => Promise<void> | void): void
  /** Rows of `kind` also wake these keys (a user's device-list change wakes the rooms of that user). Called as the position moves. */
  alsoWake(kind: string, keysOf: (key: string) => Iterable<string>): void
  /** Wakes these keys for a row at `position` whose keys were not known when the position moved past it. */
  wakeLate(keys: Iterable<string>, position: number): void
  /** Called for every move of the position, after it. For readers that follow the whole log. Returns the way to end it. */
  onAdvance(listener: (position: number, rows: readonly Logged[]) => void): () => void
}
