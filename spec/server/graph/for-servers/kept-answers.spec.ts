import { expect } from 'chai'
import { createKeptAnswers } from '../../../../server/graph/for-servers/kept-answers.ts'

describe('long answers that are asked for again', () => {
  let made: string[] = []
  const make = (name: string, bytes: number) => async () => {
    made.push(name)
    return Buffer.alloc(bytes)
  }
  beforeEach(() => {
    made = []
  })

  it('are made once, however many ask for them at the same time and later', async () => {
    const kept = createKeptAnswers(100)
    const answers = await Promise.all([1, 2, 3].map(() => kept('a', make('a', 60))))
    expect(await kept('a', make('a', 60))).to.equal(answers[0])
    expect(made).to.deep.equal(['a'])
  })

  it('make room for others, those asked for longest ago first', async () => {
    const kept = createKeptAnswers(100)
    for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) await kept(name, make(name, 40))
    expect(made).to.deep.equal(['a', 'b', 'c', 'b'])
    for (const name of ['huge', 'huge']) await kept(name, make(name, 101))
    expect(made.slice(4)).to.deep.equal(['huge', 'huge'])
    await kept('b', make('b', 40))
    expect(made).to.have.length(6)
  })

  it('are tried again when their making failed', async () => {
    const kept = createKeptAnswers(100)
    expect(await kept('a', () => Promise.reject(new Error('no'))).catch(String)).to.equal('Error: no')
    expect(await kept('a', make('a', 1))).to.have.length(1)
    expect(await kept('a', make('a', 1))).to.have.length(1)
    expect(made).to.deep.equal(['a'])
  })
})
