import { expect } from 'chai'
import { runEvery } from '../../../bridges/kit/timers.ts'

describe('what a bridge does from time to time', () => {
  it('does the rest, and goes on, when one thing fails: that is one line each time, without the words of the error', async () => {
    const stopping = new AbortController()
    const thrice = Promise.withResolvers<void>()
    const lines: string[] = []
    let done = 0
    const works = {
      first() {
        throw new RangeError('a secret')
      },
      second() {
        if (++done === 3) thrice.resolve()
      },
    }
    const log = (level: string, words: string, facts: object = {}) => void lines.push(JSON.stringify([level, words, facts]))
    runEvery({ log }, 1, works, stopping.signal)
    const awake = setInterval(() => undefined, 1000)
    await thrice.promise
    clearInterval(awake)
    stopping.abort()
    expect(lines).to.have.length(3)
    expect(lines[0]).to.match(/^\["error",.*"what":"first","why":"RangeError at timers\.spec\.ts:\d+"/)
    expect(lines.join()).not.to.include('secret')
  })
})
