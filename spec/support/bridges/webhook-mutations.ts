import { deflateRawSync } from 'node:zlib'

type Random = () => number
type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth)

/** Values in JSON's own words, as no parser gives them back: put where a real body has a value of another kind. */
const oddValues: readonly string[] = [
  ...['null', 'true', '0', '-1', '-0', '1.5', '1e400', '9007199254740993', '123456789012345678901234567890', '1e-400'],
  ...[
    '""',
    '" "',
    '"\\u0000"',
    '"\\ud800"',
    '"__proto__"',
    '"constructor"',
    '"hasOwnProperty"',
    '"\\u202e\\u200b"',
    `"${'x'.repeat(70_000)}"`,
  ],
  ...['[]', '{}', '[null]', '[[]]', '{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}', '{"toString":1}'],
  ...[nested('[', ']', 60), nested('[', ']', 5000), nested('{"a":', '}', 5000).replace(/:\}/, ':1}'), `[${'null,'.repeat(20_000)}null]`],
  ...[`[${'{"id":1},'.repeat(500)}{"id":1}]`, '{"id":{"id":{"id":1}}}'],
]

/** A body made from a real one, wrong in one or several ways; the same random numbers give the same body. */
export function mutateWebhook(body: Buffer, random: Random): Buffer {
  const way = random()
  if (way < 0.65) return Buffer.from(mutateJson(body, random))
  if (way < 0.97) return mutateBytes(body, random)
  return pick(random, [
    Buffer.alloc(0),
    Buffer.from('\ufeff{}'),
    Buffer.from(nested('[', ']', 200_000)),
    Buffer.alloc(3 * 1024 * 1024 + 1, 0x20),
    deflateRawSync(Buffer.alloc(1_000_000)),
    Buffer.from(`{"object":"page","entry":[${'{"id":"1"},'.repeat(3000)}7]}`),
  ])
}

function mutateJson(body: Buffer, random: Random): string {
  const root = JSON.parse(body.toString()) as Json
  const words: string[] = []
  const put = (text: string) => `@@${words.push(text) - 1}@@`
  for (let times = 1 + Math.floor(random() * 3); times > 0; times--) mutatePlace(root, random, put)
  return JSON.stringify(root).replace(/"@@(\d+)@@"(:null)?/g, (_, index: string) => words[Number(index)] as string)
}

/** One value somewhere becomes another, goes, or gets company. */
function mutatePlace(root: Json, random: Random, put: (text: string) => string): void {
  const places = placesIn(root)
  if (places.length === 0) return
  const { parent, key } = pick(random, places)
  const way = random()
  if (way < 0.7) set(parent, key, put(pick(random, oddValues)))
  else if (way < 0.8 && !Array.isArray(parent)) delete parent[key]
  else if (way < 0.9 && !Array.isArray(parent)) parent[put(`${JSON.stringify(key)}:${pick(random, oddValues)}`)] = null
  else if (Array.isArray(parent)) parent.push(...Array.from({ length: 50 }, () => structuredClone(parent[Number(key)] ?? null)))
  else parent[put(`"__proto__":${pick(random, oddValues)}`)] = null
}

type Place = { readonly parent: Json[] | { [key: string]: Json }; readonly key: string }

function placesIn(value: Json): Place[] {
  if (typeof value !== 'object' || value === null) return []
  const parent = value
  return Object.keys(parent).flatMap((key) => [{ parent, key }, ...placesIn((parent as { [key: string]: Json })[key] as Json)])
}

function set(parent: Place['parent'], key: string, value: string): void {
  if (Array.isArray(parent)) parent[Number(key)] = value
  else parent[key] = value
}

function mutateBytes(body: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(body)
  const way = random()
  if (way < 0.3) return bytes.subarray(0, Math.floor(random() * bytes.length))
  if (way < 0.5) return Buffer.concat([bytes, pick(random, [bytes, Buffer.from('}'), Buffer.from([0]), Buffer.from('\n{}')])])
  const at = Math.floor(random() * bytes.length)
  const odd = pick(random, [[0xff, 0xfe], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80], [0], [0x22], [0x5c], [0x7b, 0x7b]])
  if (way < 0.8) return Buffer.concat([bytes.subarray(0, at), Buffer.from(odd), bytes.subarray(at)])
  for (let flips = 1 + Math.floor(random() * 8); flips > 0; flips--) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
  return bytes
}
