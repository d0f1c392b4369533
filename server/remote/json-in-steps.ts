import type { Json, JsonObject } from '../core/json.ts'
import { decodeText, maxNesting, parseStrict } from '../core/lossless-json.ts'
import { badJson, notJson } from '../core/matrix-error.ts'

type Options = {
  /** What reads a part: `parseStrict` unless told. */
  readonly parse?: (text: string, levels: number) => Json
  /** How many lists and objects may stand in each other. */
  readonly levels?: number
  /** Bytes that are parsed in one step. */
  readonly atOnce?: number
}
type Reader = Required<Options> & { readonly bytes: Uint8Array; at: number; restAt: number }
type Steps<T> = Generator<void, T, void>

/** A value whose inside is not looked into may be so large: no event is a tenth of it. */
const largestLeaf = 1024 * 1024
/** Nobody writes so many spaces in one place; they are skipped in one step. */
const longestSpace = 64 * 1024
/** So deep stand what is split: an object's lists, and what these hold. */
const mostSplit = 3
/** Bytes that are looked at in one step. */
const stride = 256 * 1024

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a]
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Parses JSON in steps that are short however long it is, to the same value that `parse` makes of the whole: lists and objects are split into parts,
 * each of which is parsed by itself. Throws as `parse` does, and `M_BAD_JSON` for a large value that cannot be split, or very many spaces in one place.
 */
export function* parseInSteps(
  bytes: Uint8Array,
  { parse = parseStrict, levels = maxNesting, atOnce = 64 * 1024 }: Options = {},
): Steps<Json> {
  const reader: Reader = { bytes, parse, levels, atOnce, at: 0, restAt: stride }
  skipSpace(reader)
  const value = yield* readValue(reader, 0)
  skipSpace(reader)
  if (reader.at < bytes.length) throw notJson()
  return value
}

function* readValue(reader: Reader, level: number): Steps<Json> {
  const first = reader.bytes[reader.at]
  if (level < mostSplit && first === openList) return yield* readList(reader, level)
  if (level < mostSplit && first === openObject) return yield* readObject(reader, level)
  const from = reader.at
  yield* skipValue(reader)
  if (reader.at - from > largestLeaf) throw badJson('a value of the JSON is too large')
  return parsePart(reader, '', from, reader.at, '', reader.levels - level)
}

function* readList(reader: Reader, level: number): Steps<Json> {
  const list: Json[] = []
  const take = (from: number, to: number) => {
    for (const item of parsePart(reader, '[', from, to, ']', reader.levels - level) as Json[]) list.push(item)
  }
  const takeLarge = function* (): Steps<void> {
    list.push(yield* readValue(reader, level + 1))
  }
  yield* readParts(reader, closeList, take, takeLarge)
  return list
}

function* readObject(reader: Reader, level: number): Steps<JsonObject> {
  const object: Record<string, Json> = {}
  // Also a key like `__proto__` is the object's own.
  const set = (key: string, value: Json) =>
    Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true })
  const take = (from: number, to: number) => {
    const part = parsePart(reader, '{', from, to, '}', reader.levels - level) as Record<string, Json>
    for (const [key, value] of Object.entries(part)) set(key, value)
  }
  const takeLarge = function* (): Steps<void> {
    const from = reader.at
    yield* skipKey(reader)
    if (reader.at - from > largestLeaf) throw badJson('a key of the JSON is too large')
    const [key = ''] = Object.keys(parsePart(reader, '{', from, reader.at, '0}', 1) as JsonObject)
    skipSpace(reader)
    set(key, yield* readValue(reader, level + 1))
  }
  yield* readParts(reader, closeObject, take, takeLarge)
  return object
}

/** Reads what stands between brackets: as many small values together as are parsed at once, each large one by itself. */
function* readParts(reader: Reader, close: number, take: (from: number, to: number) => void, takeLarge: () => Steps<void>): Steps<void> {
  reader.at++
  skipSpace(reader)
  if (reader.bytes[reader.at] === close) {
    reader.at++
    return
  }
  let from = reader.at
  let to = from
  for (let next = comma; next === comma; ) {
    skipSpace(reader)
    const start = reader.at
    if (close === closeObject) yield* skipKey(reader)
    skipSpace(reader)
    yield* skipValue(reader)
    const isLarge = reader.at - start > reader.atOnce
    if (isLarge) {
      if (to > from) take(from, to)
      reader.at = start
      yield* takeLarge()
    } else to = reader.at
    next = readSign(reader, close)
    const isFull = !isLarge && (to - from >= reader.atOnce || next === close)
    if (isFull) take(from, to)
    if (!isLarge && !isFull) continue
    from = to = reader.at
    yield
  }
}

/** What follows a value in a list or an object. */
function readSign(reader: Reader, close: number): number {
  skipSpace(reader)
  const sign = reader.bytes[reader.at++]
  if (sign !== comma && sign !== close) throw notJson()
  return sign
}

/** Goes to the end of a value, of which only brackets and strings are looked at. */
function* skipValue(reader: Reader): Steps<void> {
  const { bytes } = reader
  const start = reader.at
  let depth = 0
  let isString = false
  let at = start
  for (; at < bytes.length; at++) {
    if (at >= reader.restAt) {
      reader.restAt = at + stride
      yield
    }
    const byte = bytes[at] as number
    if (isString) {
      if (byte === backslash) at++
      else if (byte === quote) isString = false
    } else if (byte === quote) isString = true
    else if (byte === openList || byte === openObject) depth++
    else if (byte === closeList || byte === closeObject) {
      if (depth === 0) break
      depth--
    } else if (depth === 0 && (byte === comma || byte === colon || isSpace(byte))) break
  }
  reader.at = Math.min(at, bytes.length)
  if (reader.at === start) throw notJson()
}

function* skipKey(reader: Reader): Steps<void> {
  if (reader.bytes[reader.at] !== quote) throw notJson()
  yield* skipValue(reader)
  skipSpace(reader)
  if (reader.bytes[reader.at++] !== colon) throw notJson()
}

function skipSpace(reader: Reader): void {
  const end = reader.at + longestSpace
  while (isSpace(reader.bytes[reader.at])) if (reader.at++ > end) throw badJson('there are too many spaces in one place of the JSON')
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function parsePart({ bytes, parse }: Reader, before: string, from: number, to: number, after: string, levels: number): Json {
  return parse(before + decodeText(bytes.subarray(from, to)) + after, levels)
}
