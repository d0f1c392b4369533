import type { Json } from '../json.ts'

const [quote, backslash] = [0x22, 0x5c]
const word = /[^ \t\n\r,\]}]*/y

/**
 * Whether a key of a text, which must be JSON, is spelled with an escape. V8 reads such a key wrongly once it has seen an object of the same keys so far
 * whose next one holds a backslash: after `{"a":1,"\\":2}`, `{"a":1,"\n":3}` has the key `\`.
 * https://github.com/nodejs/node/issues/63785
 */
export function hasEscapedKey(text: string): boolean {
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', at)) {
    at = pastSpace(text, endOfString(text, at))
    if (text[at] === ':') return true
  }
  return false
}

/** Parses a text that is JSON and no deeper than a stack holds, key by key; `parseToken` reads a string, a number or a word. */
export function parseKeyByKey(text: string, parseToken: (token: string) => Json): Json {
  let at = 0
  const peek = () => {
    at = pastSpace(text, at)
    return text[at]
  }
  const readToken = (): Json => {
    const from = at
    at = peek() === '"' ? endOfString(text, at + 1) : pastWord(text, at)
    return parseToken(text.slice(from, at))
  }
  const readInside = (close: string, read: () => void) => {
    for (at++; peek() !== close; ) {
      if (text[at] === ',') at++
      else read()
    }
    at++
  }
  const readValue = (): Json => {
    const first = peek()
    if (first === '[') {
      const list: Json[] = []
      readInside(']', () => list.push(readValue()))
      return list
    }
    if (first !== '{') return readToken()
    const object: Record<string, Json> = {}
    readInside('}', () => {
      const key = readToken() as string
      peek()
      at++
      setOwn(object, key, readValue())
    })
    return object
  }
  return readValue()
}

function setOwn(object: Record<string, Json>, key: string, value: Json): void {
  if (key !== '__proto__') object[key] = value
  else Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true })
}

/** Where a string has ended of which some, or all but its first quote, is left. */
function endOfString(text: string, from: number): number {
  let at = from
  for (let unit = text.charCodeAt(at); unit !== quote && at < text.length; unit = text.charCodeAt(at)) at += unit === backslash ? 2 : 1
  return at + 1
}

function pastSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text.charCodeAt(at))) at++
  return at
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09
}

function pastWord(text: string, at: number): number {
  word.lastIndex = at
  word.test(text)
  return word.lastIndex
}
