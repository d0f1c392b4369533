/** Time as the sandbox knows it: the machine's, moved forward as tests ask, so that 24 hours pass at once. */
export interface SandboxClock {
  now(): number
  advance(ms: number): void
}

/** A clock that starts at the machine's time, or stands still from `frozenAt` on until it is moved. */
export function createClock(frozenAt?: number): SandboxClock {
  let moved = 0
  return {
    now: () => (frozenAt ?? Date.now()) + moved,
    advance(ms) {
      moved += ms
    },
  }
}
