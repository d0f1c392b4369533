import { readFileSync } from 'node:fs'

/** Inputs that break servers. Everything here is text as it goes over the wire: no URL class and no serialiser makes it tidy on the way. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const fixture = (name: string): Json => JSON.parse(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8'))

/** A body with every field that an operation knows, by `operationId`; `{userId}` and the like stand for real ids. */
export const requestBodies = fixture('request-bodies.json') as { [operationId: string]: Json }
/** The names of all query parameters. */
export const requestQueries = fixture('request-queries.json') as string[]

/** Path segments, percent-encoded or wrongly so. */
export const segments: readonly string[] = [
  '',
  '%',
  '%zz',
  '%c0%80',
  '%ff%fe',
  '%ed%a0%80',
  '%00',
  'a%00b',
  '@me%00:hs.test',
  '!room%00',
  '$event%00',
  '%23alias%00:hs.test',
  '..',
  '%2e%2e',
  '..%2f..%2f..%2fetc%2fpasswd',
  '%5c..%5c..%5cboot.ini',
  'a%2Fb',
  ';x=1',
  '%27%3B--',
  '%22%5C%24%31%25_',
  '%0d%0aX-Injected:%201',
  '%25%30%30',
  '%7B%7D',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '-1',
  '1e400',
  '9007199254740993',
  '@',
  '!',
  '$',
  '%23',
  '@nobody',
  '@:hs.test',
  '@a:b:c',
  '@someone:else.where',
  '!room:else.where',
  '$event:else.where',
  '%23alias:else.where',
  '%23a:b:c',
  '%E2%80%AE%EF%BF%BF%F0%9F%92%A9',
  'x'.repeat(10_000),
  `@${'x'.repeat(300)}:hs.test`,
  `!${'%F0%9F%92%A9'.repeat(80)}`,
]

/** Values of query parameters. */
export const queryValues: readonly string[] = [
  '',
  '%00',
  '%zz',
  '%ff',
  '%ed%a0%80',
  '-1',
  '1.5',
  '1e400',
  '9007199254740993',
  '99999999999999999999',
  'NaN',
  'true&again=',
  '%7B',
  '%5B%5D',
  'null',
  '%7B%22room%22%3A7%7D',
  '%7B%22types%22%3A%5B%22%5Cu0000%22%5D%2C%22senders%22%3A%5B%22%40a%5Cu0000%3Ahs.test%22%5D%7D',
  `${'%5B'.repeat(1000)}`,
  '%7B%22__proto__%22%3A%7B%22limit%22%3A-1%7D%7D',
  's1_9007199254740993',
  's1_1_',
  't1_-1_-1',
  't1_9007199254740991_9007199254740991',
  '%27%3B--',
  '__proto__',
  '@a%00:hs.test',
  '@someone:else.where',
  '../../etc/passwd',
  '%F0%9F%92%A9',
  'x'.repeat(5000),
]

const deep = (open: string, close: string, levels: number) => open.repeat(levels) + close.repeat(levels)

/** Whole bodies. */
export const bodies: readonly (string | Uint8Array)[] = [
  '',
  ' ',
  '{',
  '{}}',
  '{"a":1,}',
  "{'a':1}",
  'null',
  'true',
  '0',
  '"text"',
  '[]',
  '[{}]',
  '\ufeff{}',
  '{"a":NaN}',
  '{"a":1e400}',
  '{"a":-0,"b":-0.0,"c":9007199254740993,"d":1.5,"e":1E400}',
  '{"a":1,"a":{},"a":[]}',
  '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}',
  '{"\\u0000":"\\u0000"}',
  '{"\\ud800":"\\udfff"}',
  deep('{"a":', '', 1000) + '1' + '}'.repeat(1000),
  `{"a":${deep('[', ']', 1000)}}`,
  `{"a":${deep('[', ']', 100_000)}}`,
  new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  new Uint8Array([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]),
  new Uint8Array([0, 0, 0, 0]),
]

/** Values of fields, as JSON text. */
export const values: readonly string[] = [
  'null',
  'true',
  '0',
  '-1',
  '1.5',
  '1e400',
  '-0',
  '9007199254740993',
  '""',
  '" "',
  '"\\u0000"',
  '"a\\u0000b"',
  '"@a\\u0000:hs.test"',
  '"!a\\u0000"',
  '"$a\\u0000"',
  '"\\ud800"',
  '"__proto__"',
  '"../../etc/passwd"',
  '"\'; DROP TABLE events; --"',
  '"@someone:else.where"',
  '"@nobody:hs.test"',
  '"!room:else.where"',
  '"#alias:else.where"',
  '[]',
  '[null]',
  '[[]]',
  '[1,"x",{}]',
  '["\\u0000","\\ud800"]',
  '{}',
  '{"__proto__":{"x":1}}',
  '{"\\u0000":{"\\u0000":"\\u0000"}}',
  '{"@a\\u0000:hs.test":{"\\u0000":"\\u0000"}}',
  '{"{userId}":{"\\u0000":{"a":1}}}',
  '{"{userId}":["\\u0000","\\ud800"]}',
  '{"\\ud800":"\\udc00"}',
  '{"":""}',
  deep('[', ']', 99),
  `"${'x'.repeat(70_000)}"`,
]

const hole = '\u{1f573}'

/** Every body that differs from a good one in one place: a field with each of the values, or missing, or one more with a name that is a trap. */
export function* spoiled(body: Json, from: readonly string[] = values): Generator<string> {
  for (const put of placesOf(body)) {
    const [before = '', after = ''] = JSON.stringify(put(hole)).split(JSON.stringify(hole))
    for (const value of from) yield before + value + after
  }
  for (const name of ['"__proto__"', '"\\u0000"', '"\\ud800"', '"toString"']) yield `{${name}:{"a":1},${JSON.stringify(body).slice(1)}`
}

/** For each place in a value, what makes a copy with something else there. */
function* placesOf(value: Json): Generator<(other: Json) => Json> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    const put = (other: Json): Json =>
      Array.isArray(value) ? value.map((one, at) => (String(at) === key ? other : one)) : { ...value, [key]: other }
    yield put
    for (const putInner of placesOf(inner)) yield (other) => put(putInner(other))
  }
}
