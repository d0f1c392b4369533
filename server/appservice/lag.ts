type Mark = { position: number; readonly at: number }

/** Since when there has been something beyond a position. What came within a second is one; within more, the longer it goes on. */
export type LagClock = {
  readonly moved: (position: number, now: number) => void
  /** Milliseconds for which the first of what is beyond `position` has been there; 0 when nothing is. */
  readonly since: (position: number, now: number) => number
}

const leastTogether = 1000
const mostMarks = 512

export function createLagClock(): LagClock {
  let marks: Mark[] = []
  let together = leastTogether
  return {
    moved: (position, now) => {
      const last = marks.at(-1)
      if (last !== undefined && now - last.at < together) last.position = Math.max(last.position, position)
      else marks.push({ position, at: now })
      if (marks.length < mostMarks) return
      together *= 2
      marks = marks.flatMap(({ at }, n) => (n % 2 === 0 ? [{ position: marks[n + 1]!.position, at }] : []))
    },
    since: (position, now) => {
      const first = marks.findIndex((mark) => mark.position > position)
      marks = first < 0 ? [] : marks.slice(first)
      if (marks[0] !== undefined) return Math.max(0, now - marks[0].at)
      together = leastTogether
      return 0
    },
  }
}
