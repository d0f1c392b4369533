import { expect } from 'chai'
import { parseLossless, parseStored, parseStrict } from '../../../../server/core/lossless-json.ts'
import { hasEscapedKey, parseKeyByKey } from '../../../../server/core/runtime/escaped-keys.ts'
import { randomJson, randomNumbers } from '../../../support/random-json.ts'

const parsers = { parseStrict, parseLossless, parseStored: (text: string) => parseStored(Buffer.from(text)) }

describe('keys that are spelled with an escape', () => {
  for (const [name, parse] of Object.entries(parsers)) {
    it(`are what they say, whatever was parsed before (${name})`, () => {
      for (const [before, text, key] of [
        ['\\\\', '\\n', '\n'],
        ['a\\\\', 'a\\u0062', 'ab'],
        ['\\\\nx', '\\nxy', '\nxy'],
      ]) {
        parse(`{"${name}":1,"${before}":2}`)
        expect(parse(`{"${name}":1,"${text}":[12345678901234567890]}`)).to.have.all.keys(name, key!)
      }
    })
  }

  it('are found where they stand, and nothing else is taken for one', () => {
    for (const text of ['{"\\n":1}', '{"a":{"b\\u0000c"\n :1}}', '["\\"",{"a":"\\\\","\\\\":"b"}]', '{"\\"\\"\\"" : 1}']) {
      expect(hasEscapedKey(text), text).to.equal(true)
    }
    for (const text of ['{"a":"\\n"}', '["\\":", "a\\\\", {"a":"b\\\\\\":"}]', '"\\n"', '{"é":[]}']) {
      expect(hasEscapedKey(text), text).to.equal(false)
    }
  })

  it('are read with all around them as JSON.parse reads it', () => {
    for (const text of [
      ' { } ',
      '[ ]',
      '"\\ud83d\\ude00"',
      ' 17 ',
      '{"__proto__":{"a":[true , false,null,-0,1e3,"\\"]}"]},"b":{},"b":[ [],{}]}',
    ]) {
      expect(parseKeyByKey(text, JSON.parse), text).to.deep.equal(JSON.parse(text))
    }
    const random = randomNumbers(21)
    for (let at = 0; at < 500; at++) {
      const value = randomJson(random, 4)
      expect(parseKeyByKey(JSON.stringify(value, undefined, at % 3), JSON.parse)).to.deep.equal(value)
    }
  })
})
