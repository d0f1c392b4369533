import { expect } from 'chai'
import {
  eventIdParameter,
  readChoice,
  readCount,
  readList,
  readOptionalBoolean,
  readOptionalObject,
  readOptionalText,
  readText,
  readUserId,
  roomIdOf,
  userIdOf,
} from '../../../server/core/fields.ts'

function expectError(read: () => unknown, errcode: string): void {
  expect(read).to.throw().that.includes({ status: 400, errcode })
}

describe('the fields of a request', () => {
  it('are read in their type, and are undefined or empty when they are absent or null', () => {
    const body = { text: 'x', flag: false, object: { a: 1 }, list: [1], nothing: null }
    expect([readText(body, 'text'), readOptionalText(body, 'nothing'), readOptionalText(body, 'other')]).to.deep.equal([
      'x',
      undefined,
      undefined,
    ])
    expect([readOptionalBoolean(body, 'flag'), readOptionalBoolean(body, 'nothing')]).to.deep.equal([false, undefined])
    expect([readOptionalObject(body, 'object'), readOptionalObject(body, 'other')]).to.deep.equal([{ a: 1 }, undefined])
    expect([readList(body, 'list'), readList(body, 'nothing'), readList(body, 'other')]).to.deep.equal([[1], [], []])
  })

  it('answer M_BAD_JSON when they are of another type', () => {
    const body = { wrong: 7 }
    for (const read of [readText, readOptionalText, readOptionalBoolean, readOptionalObject, readList]) {
      expectError(() => read(body, 'wrong'), 'M_BAD_JSON')
    }
  })

  it('answer M_MISSING_PARAM when a text that must be there is not', () => {
    for (const body of [{}, { text: null }]) expectError(() => readText(body, 'text'), 'M_MISSING_PARAM')
  })

  it('are never taken from what every object inherits', () => {
    expect(readOptionalText({}, 'constructor')).to.equal(undefined)
    expect(readOptionalObject(JSON.parse('{}'), '__proto__')).to.equal(undefined)
  })

  it('answer M_INVALID_PARAM for ids that are none', () => {
    expect(readUserId({ user: '@a:b' }, 'user')).to.equal('@a:b')
    expect([roomIdOf('!a'), eventIdParameter('$a'), userIdOf('@a:b')]).to.deep.equal(['!a', '$a', '@a:b'])
    expectError(() => readUserId({ user: 'a' }, 'user'), 'M_INVALID_PARAM')
    for (const wrong of [undefined, '', 'a', '#a:b']) {
      for (const read of [roomIdOf, eventIdParameter, userIdOf]) expectError(() => read(wrong), 'M_INVALID_PARAM')
    }
  })
})

describe('the parameters of a query', () => {
  const query = (text: string) => new URLSearchParams(text)

  it('are counts within bounds, or the count that holds without them', () => {
    expect([readCount(query('n=5'), 'n', 10, 100), readCount(query(''), 'n', 10, 100), readCount(query('n='), 'n', 10, 100)]).to.deep.equal(
      [5, 10, 10],
    )
    expect([readCount(query('n=0'), 'n', 10, 100), readCount(query('n=500'), 'n', 10, 100)]).to.deep.equal([0, 100])
    for (const wrong of ['-1', '1.5', 'x', '1e3', ' 1', '9'.repeat(16)]) {
      expectError(() => readCount(new URLSearchParams({ n: wrong }), 'n', 10, 100), 'M_INVALID_PARAM')
    }
  })

  it('are one of the choices, or none', () => {
    expect([readChoice(query('dir=b'), 'dir', ['b', 'f']), readChoice(query(''), 'dir', ['b', 'f'])]).to.deep.equal(['b', undefined])
    expectError(() => readChoice(query('dir=x'), 'dir', ['b', 'f']), 'M_INVALID_PARAM')
  })
})
