import { expect } from 'chai'
import { createKeptAnswers } from '../../../../server/graph/for-servers/kept-answers.ts'
import type { LongBody } from '../../../../server/http/long-body.ts'

describe('long answers that are asked for again', () => {
  let made: string[] = []
  /** An answer in parts of at most ten bytes. */
  const make = (name: string, bytes: number) =>
    async function* () {
      made.push(name)
      for (let left = bytes; left > 0; left -= 10) yield Buffer.alloc(Math.min(left, 10), name)
    }
  const whole = async (answer: LongBody) => {
    if (answer instanceof Uint8Array) return String(answer)
    let text = ''
    for await (const part of answer) text += part
    return text
  }
  const kept = () => createKeptAnswers(100, 60)
  beforeEach(() => {
    made = []
  })

  it('are made once, however many ask for them at the same time and later', async () => {
    const keep = kept()
    const answers = await Promise.all([1, 2, 3].map(() => keep('a', make('a', 60))))
    expect(await keep('a', make('a', 60))).to.equal(answers[0])
    expect(made).to.deep.equal(['a'])
    expect(await whole(answers[0]!)).to.equal('a'.repeat(60))
  })

  it('make room for others, those asked for longest ago first', async () => {
    const keep = kept()
    for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) await keep(name, make(name, 40))
    expect(made).to.deep.equal(['a', 'b', 'c', 'b'])
  })

  it('are handed on as they are made where they are too long, to each who asks, and take nobody’s room', async () => {
    const keep = kept()
    await keep('a', make('a', 60))
    const answers = await Promise.all([1, 2].map(() => keep('huge', make('h', 199))))
    for (const answer of answers) {
      expect(answer).to.not.be.instanceOf(Uint8Array)
      expect(await whole(answer)).to.equal('h'.repeat(199))
    }
    await keep('a', make('a', 60))
    expect(made).to.deep.equal(['a', 'h', 'h'])
  })

  it('are tried again when their making failed', async () => {
    const keep = kept()
    const fail = () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('no')) }) })
    const failures = await Promise.all([1, 2].map(() => keep('a', fail).catch(String)))
    expect(failures).to.deep.equal(['Error: no', 'Error: no'])
    for (let again = 0; again < 2; again++) expect(await whole(await keep('a', make('a', 1)))).to.equal('a')
    expect(made).to.deep.equal(['a'])
  })
})
