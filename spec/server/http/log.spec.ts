import { expect } from 'chai'
import { createLog } from '../../../server/http/log.ts'

function logged(format: 'text' | 'json', level: 'info' | 'warn' = 'info') {
  let text = ''
  const write = (lines: string) => {
    text += lines
  }
  const log = createLog({ level, format, write, now: () => 0 })
  return {
    log,
    text: () => {
      log.flush()
      return text
    },
  }
}

describe('createLog', () => {
  it('writes one line for one event, whatever is in it', () => {
    const { log, text } = logged('text')
    log.info('hello\nforged', { user: '@a:b\r\n2026 error', nothing: undefined })
    expect(text()).to.equal('1970-01-01T00:00:00.000Z info  hello\\nforged user=@a:b\\r\\n2026 error\n')
  })
  it('writes JSON for collectors', () => {
    const { log, text } = logged('json')
    log.warn('careful', { n: 1 })
    expect(JSON.parse(text())).to.deep.equal({ time: '1970-01-01T00:00:00.000Z', level: 'warn', words: 'careful', n: 1 })
  })
  it('leaves out what is less important than its level', () => {
    const { log, text } = logged('text', 'warn')
    log.info('no')
    log.error('yes')
    expect(text()).to.match(/^\S+ error yes\n$/)
    expect([log.writes('info'), log.writes('warn')]).to.deep.equal([false, true])
  })
})
