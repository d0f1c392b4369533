import { expect } from 'chai'
import { canonicalJson, compareCodePoints, inOrder, type Json } from '../../../server/core/canonical-json.ts'
import { parseLossless } from '../../../server/core/lossless-json.ts'
import { randomJson, randomNumbers, randomString } from '../../support/random-json.ts'

/** The examples of https://spec.matrix.org/v1.19/appendices/#canonical-json: what goes in, what comes out. */
const examples: [string, string][] = [
  ['{}', '{}'],
  ['{ "one": 1, "two": "Two" }', '{"one":1,"two":"Two"}'],
  ['{ "b": "2", "a": "1" }', '{"a":"1","b":"2"}'],
  ['{"b":"2","a":"1"}', '{"a":"1","b":"2"}'],
  [
    `{ "auth": { "success": true, "mxid": "@john.doe:example.com", "profile": { "display_name": "John Doe", "three_pids": [
      { "medium": "email", "address": "john.doe@example.org" }, { "medium": "msisdn", "address": "123456789" } ] } } }`,
    '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org",' +
      '"medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}',
  ],
  ['{ "a": "日本語" }', '{"a":"日本語"}'],
  ['{ "本": 2, "日": 1 }', '{"日":1,"本":2}'],
  ['{ "a": "\\u65E5" }', '{"a":"日"}'],
  ['{ "a": null }', '{"a":null}'],
  ['{ "a": -0, "b": 1e10 }', '{"a":0,"b":10000000000}'],
]

describe('canonical JSON', () => {
  it('is what the specification’s examples say', () => {
    for (const [text, canonical] of examples) expect(canonicalJson(JSON.parse(text))).to.equal(canonical)
  })

  it('sorts keys by code point where UTF-16 would sort otherwise', () => {
    expect(canonicalJson({ '😀': 1, '\uff21': 2 })).to.equal('{"\uff21":2,"😀":1}')
    expect(canonicalJson({ '\uff21': 2, '😀': 1 })).to.equal('{"\uff21":2,"😀":1}')
    expect(canonicalJson({ 'a\ue000': 1, 'a😀': 2, a: 3 })).to.equal('{"a":3,"a\ue000":1,"a😀":2}')
  })

  it('sorts keys that look like numbers as text', () => {
    expect(canonicalJson({ 9: 'nine', 10: 'ten', '-1': 'less' })).to.equal('{"-1":"less","10":"ten","9":"nine"}')
  })

  it('sorts within arrays and at every depth', () => {
    expect(canonicalJson([{ b: [{ d: 1, c: 2 }], a: 3 }])).to.equal('[{"a":3,"b":[{"c":2,"d":1}]}]')
  })

  it('escapes as shortly as JSON can', () => {
    expect(canonicalJson({ a: '\b\t\n\f\r"\\/\u0000\u001f\u007f\u2028' })).to.equal(
      '{"a":"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f\u007f\u2028"}',
    )
  })

  it('keeps __proto__ as a key like any other', () => {
    expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"x":2}}'))).to.equal('{"__proto__":{"x":2},"b":1}')
  })

  it('leaves out what is undefined, sorted or not', () => {
    expect(canonicalJson({ a: 1, b: undefined, c: 2 })).to.equal('{"a":1,"c":2}')
    expect(canonicalJson({ c: 2, b: undefined, a: 1 })).to.equal('{"a":1,"c":2}')
  })

  it('refuses floats and integers out of range with M_BAD_JSON, wherever they stand', () => {
    for (const value of [1.5, 2 ** 53, -(2 ** 53), 1e300, Number.NaN, Number.POSITIVE_INFINITY, 2n ** 60n]) {
      for (const json of [value, [value], { b: 1, a: value }, { a: [{ b: value }] }]) {
        expect(() => canonicalJson(json))
          .to.throw()
          .with.property('errcode', 'M_BAD_JSON')
      }
    }
    expect(canonicalJson([2 ** 53 - 1, -(2 ** 53) + 1])).to.equal('[9007199254740991,-9007199254740991]')
  })

  it('refuses half of a surrogate pair, but no text that looks like one', () => {
    for (const json of ['\ud800', { a: 'x\udc00' }, { '\ud83d': 1 }]) {
      expect(() => canonicalJson(json))
        .to.throw()
        .with.property('errcode', 'M_BAD_JSON')
    }
    expect(canonicalJson('\\ud800')).to.equal('"\\\\ud800"')
    expect(() => canonicalJson('\\\ud800')).to.throw()
  })

  it('writes the integers of old rooms in full', () => {
    const text = '{"a":9223372036854775807,"b":[-9223372036854775808]}'
    expect(canonicalJson(parseLossless(text), false)).to.equal(text)
    expect(canonicalJson(parseLossless('{"b":1.5,"a":9223372036854775807}'), false)).to.equal('{"a":9223372036854775807,"b":1.5}')
  })

  it('does not depend on the order of keys, and reads back as the same value', () => {
    const random = randomNumbers(20261122)
    for (let round = 0; round < 300; round++) {
      const value = randomJson(random, 4)
      const canonical = canonicalJson(value)
      expect(JSON.parse(canonical)).to.deep.equal(value)
      expect(canonicalJson(reverseKeys(value))).to.equal(canonical)
      expect(canonicalJson(JSON.parse(canonical))).to.equal(canonical)
    }
  })

  it('is the same of what is put in order before, which stays equal', () => {
    const random = randomNumbers(20261123)
    const hard = [
      '{"b":{"10":1,"9":[{"z":1,"a":2}]},"__proto__":{"b":1,"a":2},"a":null}',
      '{"\u{10000}":1,"\uffff":2}',
      '{"b":1.0,"a":[12345678901234567890,-0,1e2]}',
    ].map((text) => parseLossless(text))
    for (const value of [...hard, ...Array.from({ length: 300 }, () => reverseKeys(randomJson(random, 4)))]) {
      expect(inOrder(value)).to.deep.equal(value)
      expect(canonicalJson(inOrder(value), false)).to.equal(canonicalJson(value, false))
    }
    expect(Object.keys(inOrder({ c: 1, a: { z: 1, y: 2 }, b: undefined }))).to.deep.equal(['a', 'b', 'c'])
  })

  it('orders any keys as their code points are ordered', () => {
    const random = randomNumbers(7)
    for (let round = 0; round < 2000; round++) {
      const [a, b] = [randomString(random), randomString(random)]
      expect(Math.sign(compareCodePoints(a, b)), JSON.stringify([a, b])).to.equal(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))))
    }
  })
})

function reverseKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(reverseKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reverseKeys(inner!)]),
  )
}
