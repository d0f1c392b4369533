import { expect } from 'chai'
import { createLog } from '../../../bridges/kit/log.ts'

describe('the log of a bridge', () => {
  const logged = (level: string) => {
    const lines: string[] = []
    return { lines, log: createLog(level, (line) => lines.push(line)) }
  }
  it('strikes out tokens, numbers and message ids wherever they stand', () => {
    const { lines, log } = logged('debug')
    log('warn', 'to +49 170 1234567 with EAAabcdefghijklmnopqrstuvwx', { id: 'wamid.HBgLMTU1NTEyMzQ1NjcVAgASGBQz', n: 5 })
    expect(lines.join('')).not.to.match(/1234567|EAAabc|HBgL/)
    expect(lines.join('')).to.match(/warn to … with … id="…" n=5\n$/)
  })
  it('writes one line an event, and only from its level upwards', () => {
    const { lines, log } = logged('warn')
    log('info', 'quiet')
    log('error', 'a\nb')
    expect(lines).to.have.length(1)
    expect(lines[0]).to.match(/error a b\n$/)
  })
})
