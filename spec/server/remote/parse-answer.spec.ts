import { expect } from 'chai'
import { parseAnswer } from '../../../server/remote/parse-answer.ts'

describe('parseAnswer', () => {
  it('parses a large answer a part at a time, other work in between', async () => {
    const events = Array.from({ length: 2000 }, (_, n) => ({ depth: n, content: { body: 'x'.repeat(1000) } }))
    const bytes = Buffer.from(JSON.stringify({ pdus: events, auth_chain: events }))
    let [turns, isOver] = [0, false]
    const turn = () => {
      turns++
      if (!isOver) setImmediate(turn)
    }
    setImmediate(turn)
    const body = await parseAnswer(bytes)
    isOver = true
    expect(body).to.deep.equal({ pdus: events, auth_chain: events })
    expect(turns).to.be.at.least(bytes.length / (128 * 1024))
  })

  it('gives nothing where an answer is no object, of whatever length', async () => {
    for (const text of [
      '',
      '[1]',
      '{"a":',
      `[${'1,'.repeat(100_000)}1]`,
      `{"a":[${'1,'.repeat(100_000)}]}`,
      `{"a":"${'x'.repeat(2_000_000)}"}`,
    ]) {
      expect(await parseAnswer(Buffer.from(text)), text.slice(0, 20)).to.equal(undefined)
    }
  })
})
