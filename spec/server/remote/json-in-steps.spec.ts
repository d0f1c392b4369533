import { expect } from 'chai'
import type { Json } from '../../../server/core/json.ts'
import { maxNesting, parseLossless, parseStrict } from '../../../server/core/lossless-json.ts'
import type { MatrixError } from '../../../server/core/matrix-error.ts'
import { parseInSteps } from '../../../server/remote/json-in-steps.ts'
import { randomJson, randomNumbers } from '../../support/random-json.ts'

type Options = Parameters<typeof parseInSteps>[1]

/** The value, and how many steps it took. */
function parsed(text: string | Uint8Array, options?: Options): { readonly value: Json; readonly steps: number } {
  const walk = parseInSteps(Buffer.from(text), options)
  for (let steps = 0; ; steps++) {
    const step = walk.next()
    if (step.done) return { value: step.value, steps }
  }
}

/** What a parser makes of a text: its value, or the code of its refusal. */
function outcome(parse: () => Json): unknown {
  try {
    return { value: parse() }
  } catch (error) {
    return (error as MatrixError).errcode ?? error
  }
}

const numbers = ['0', '-0', '1.0', '1E3', '-1.5e-7', '9007199254740993', '-123456789012345678901234567890', '0.1', '1e400']
const spaces = ['', '', '', ' ', '\n', '\t\r ']

/** A value as text, with odd numbers, spaces and escapes strewn in. */
function spell(random: () => number, value: Json): string {
  const space = () => spaces[Math.floor(random() * spaces.length)] ?? ''
  const write = (inner: Json | undefined): string => {
    if (Array.isArray(inner)) return `[${space()}${inner.map((item) => write(item) + space()).join(`,${space()}`)}]`
    if (typeof inner === 'object' && inner !== null) {
      // Escapes in keys stand in a test of their own: `JSON.parse` of Node 24 may take such a key for another one.
      const members = Object.entries(inner).map(([key, item]) => `"${key.replace(/["\\\n]/g, 'k')}"${space()}:${write(item)}`)
      if (random() < 0.1) members.push(`"__proto__":${write(null)}`, `"twice":1,"twice"${space()}:2`)
      return `{${space()}${members.join(`${space()},${space()}`)}${space()}}`
    }
    if (typeof inner === 'number' && random() < 0.5) return numbers[Math.floor(random() * numbers.length)] ?? '0'
    return typeof inner === 'string' ? JSON.stringify(inner).replace(/Z/g, '\\u005a') : String(inner)
  }
  return space() + write(value) + space()
}

describe('parsing JSON in steps', () => {
  for (const [name, parse] of Object.entries({ parseStrict, parseLossless })) {
    it(`makes of any JSON what ${name} makes of the whole, however small the steps`, () => {
      const random = randomNumbers(12)
      for (let draw = 0; draw < 3000; draw++) {
        const text = spell(random, randomJson(random, 6))
        const atOnce = 1 + Math.floor(random() * 40)
        expect(
          outcome(() => parsed(text, { parse, atOnce }).value),
          text,
        ).to.deep.equal(outcome(() => parse(text)))
      }
    })

    it(`refuses what ${name} refuses`, () => {
      const random = randomNumbers(34)
      let refused = 0
      for (let draw = 0; draw < 6000; draw++) {
        const bytes = Buffer.from(spell(random, randomJson(random, 4)))
        for (let times = 0; times <= random() * 2; times++) {
          const odd = Buffer.from('{}[]",:\\ 0e-n\xff\x00a', 'latin1')
          bytes[Math.floor(random() * bytes.length)] = odd[Math.floor(random() * odd.length)] as number
        }
        const cut = random() < 0.3 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes
        const expected = outcome(() => parse(cut))
        const atOnce = 1 + Math.floor(random() * 20)
        expect(
          outcome(() => parsed(cut, { parse, atOnce }).value),
          cut.toString('latin1'),
        ).to.deep.equal(expected)
        if (typeof expected === 'string') refused++
      }
      expect(refused).to.be.greaterThan(1000)
    })
  }

  it('reads keys that are escaped', () => {
    const text = String.raw`{"\n":{"a\"b":[1],"\\":{"\u005a":2}},"}":"]","\\\"":{"":{}}}`
    const expected = { '\n': { 'a"b': [1], '\\': { Z: 2 } }, '}': ']', '\\"': { '': {} } }
    for (let atOnce = 1; atOnce < text.length; atOnce++) expect(parsed(text, { atOnce }).value).to.deep.equal(expected)
  })

  it('bounds the nesting as for the whole', () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
    for (const atOnce of [1, 50, 1000]) {
      expect(parsed(nested(maxNesting), { atOnce }).value).to.be.an('array')
      expect(outcome(() => parsed(nested(maxNesting + 1), { atOnce }).value)).to.equal('M_BAD_JSON')
      expect(outcome(() => parsed(nested(1_000_000), { atOnce }).value)).to.equal('M_BAD_JSON')
    }
  })

  it('takes a step for every so many bytes, whether they are many small values or few large ones', () => {
    const small = JSON.stringify({ pdu_ids: Array.from({ length: 50_000 }, (_, n) => `$${n}`.padEnd(44, 'x')) })
    const large = JSON.stringify({ pdus: Array.from({ length: 40 }, () => ({ content: { body: 'x'.repeat(60_000) } })) })
    for (const text of [small, large]) {
      const { value, steps } = parsed(text)
      expect(value).to.deep.equal(JSON.parse(text))
      expect(steps).to.be.at.least(text.length / (128 * 1024))
    }
  })

  it('stops on the way through one large value, and refuses it', () => {
    for (const text of [`{"a":"${'x'.repeat(4_000_000)}"}`, `{"${'x'.repeat(4_000_000)}":1}`, `[[[[${'1,'.repeat(2_000_000)}1]]]]`]) {
      const walk = parseInSteps(Buffer.from(text))
      let steps = 0
      expect(() => {
        while (!walk.next().done) steps++
      })
        .to.throw()
        .with.property('errcode', 'M_BAD_JSON')
      expect(steps).to.be.at.least(10)
    }
  })

  it('skips no spaces without end in one step', () => {
    const [some, many] = [' '.repeat(50_000), '\n'.repeat(200_000)]
    for (const [before, after] of [
      ['', '{"a":[1]}'],
      ['{', '"a":[1]}'],
      ['{"a"', ':[1]}'],
      ['{"a":', '[1]}'],
      ['{"a":[', '1]}'],
      ['{"a":[1', ']}'],
      ['{"a":[1]', '}'],
      ['{"a":[1]}', ''],
    ] as const) {
      for (const atOnce of [1, 65_536]) {
        expect(parsed(before + some + after, { atOnce }).value).to.deep.equal({ a: [1] })
        expect(outcome(() => parsed(before + many + after, { atOnce }).value)).to.equal('M_BAD_JSON')
      }
    }
  })
})
