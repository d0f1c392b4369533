import { expect } from 'chai'
import { canonicalJson } from '../../../server/core/canonical-json.ts'
import { isJsonObject, type Json } from '../../../server/core/json.ts'
import { maxNesting, maxSignedNesting, parseLossless, parseStored, parseStrict, writeStored } from '../../../server/core/lossless-json.ts'

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

describe('the parser of requests', () => {
  it('reads JSON from text and bytes', () => {
    expect(parseStrict('{"a":[1,"é",null]}')).to.deep.equal({ a: [1, 'é', null] })
    expect(parseStrict(Buffer.from('{"a":[1,"é",null]}'))).to.deep.equal({ a: [1, 'é', null] })
  })

  it('answers M_NOT_JSON to what is no JSON', () => {
    for (const body of [
      '',
      ' ',
      '{',
      '{"a":NaN}',
      '{"a":Infinity}',
      "{'a':1}",
      '{"a":01}',
      '[1,]',
      'undefined',
      '{"a":1}x',
      '\ufeff{}',
      '"\n"',
    ]) {
      expect(() => parseStrict(body), body)
        .to.throw()
        .with.property('errcode', 'M_NOT_JSON')
    }
  })

  it('answers M_NOT_JSON to bytes that are no UTF-8', () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0x80, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0x22, 0xe2, 0x82, 0x22],
    ]) {
      expect(() => parseStrict(Uint8Array.from(bytes)))
        .to.throw()
        .with.property('errcode', 'M_NOT_JSON')
    }
  })

  it('bounds the nesting, whoever sends a million brackets', () => {
    for (const [parse, levels] of [
      [parseStrict, maxNesting],
      [parseLossless, maxSignedNesting],
    ] as const) {
      expect(parse(nested(levels))).to.be.an('array')
      for (const text of [nested(levels + 1), nested(1_000_000), `{"a":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}`]) {
        expect(() => parse(text))
          .to.throw()
          .with.property('errcode', 'M_BAD_JSON')
      }
    }
  })

  it('takes the last of keys that stand twice', () => {
    expect(parseStrict('{"a":1,"a":2}')).to.deep.equal({ a: 2 })
  })

  it('keeps __proto__ as data and gives nobody a prototype', () => {
    for (const parse of [parseStrict, parseLossless]) {
      const value = parse('{"__proto__":{"admin":true},"depth":9223372036854775807}') as Record<string, unknown>
      expect(Object.hasOwn(value, '__proto__')).to.equal(true)
      expect(value['admin']).to.equal(undefined)
      expect(Object.getPrototypeOf(value)).to.equal(Object.prototype)
    }
  })
})

describe('the lossless parser', () => {
  it('keeps integers beyond 2^53 exactly', () => {
    const text = '{"a":9223372036854775807,"b":[-9007199254740993],"c":9007199254740991,"d":"9223372036854775807"}'
    expect(parseLossless(text)).to.deep.equal({
      a: 9223372036854775807n,
      b: [-9007199254740993n],
      c: 9007199254740991,
      d: '9223372036854775807',
    })
  })

  it('reads all else as JSON.parse does', () => {
    const text = '{"a":1.5,"b":1e+21,"c":"1.0","d":-0,"e":"\\u0000","f":"1e3 and 12345678901234567890"}'
    expect(parseLossless(Buffer.from(text))).to.deep.equal(JSON.parse(text))
  })

  it('answers M_NOT_JSON to what is no JSON', () => {
    expect(() => parseLossless('{"a":12345678901234567890'))
      .to.throw()
      .with.property('errcode', 'M_NOT_JSON')
  })
})

describe('the lossless parser, of numbers that JavaScript would write in another way,', () => {
  for (const spelling of ['1.0', '-0.0', '1e3', '1E+3', '0.10', '1e400', '12345678901234567890.5', '5e-07']) {
    it(`keeps ${spelling} as it is spelled`, () => {
      const value = parseLossless(`{"a":[${spelling}]}`)
      expect(canonicalJson(value, false)).to.equal(`{"a":[${spelling}]}`)
      expect(() => canonicalJson(value)).to.throw('a number is not an integer')
      expect(isJsonObject((value as { a: Json[] }).a[0])).to.equal(false)
    })
  }

  it('keeps them wherever they stand, whatever space is around them', () => {
    const places = (it: string) => [it, `[${it}]`, `[1,${it}]`, `{"a":${it}}`, `[[],{},"",${it}]`]
    for (const space of ['', ' ', '\n', '\t\r\n  ']) {
      for (const text of places(`${space}1.50${space}`).concat(places(`${space}-12345678901234567890${space}`))) {
        const canonical = canonicalJson(parseLossless(text), false)
        expect(canonical, JSON.stringify(text)).to.equal(text.replace(/\s/g, ''))
        expect(canonicalJson(parseStored(writeStored(canonical)), false)).to.equal(canonical)
      }
    }
    expect(canonicalJson(parseLossless(`{"a"${' '.repeat(9)}:\n2e1}`), false)).to.equal('{"a":2e1}')
  })

  it('hands them to others as the numbers that they are', () => {
    expect(JSON.stringify(parseLossless('[1.0,1e3,0.10]'))).to.equal('[1,1000,0.1]')
  })
})

describe('the parser of what is stored', () => {
  it('reads what was let in and stands in an event now, deeper than a request may be nested', () => {
    const event = `{"depth":9223372036854775807,"content":{"a":${nested(maxSignedNesting)}}}`
    expect(() => parseLossless(event)).to.throw()
    for (const stored of [event, ` ${event}`]) expect(parseStored(Buffer.from(stored))).to.have.property('depth', 9223372036854775807n)
  })
})
