import { type Json, type JsonObject, SpelledNumber } from './json.ts'
import { badJson } from './matrix-error.ts'

export type { Json, JsonObject } from './json.ts'

/**
 * Encodes a value as Canonical JSON: shortest form, keys sorted by code point, integers within ±(2^53-1) only.
 * With `strict` false (rooms of versions 1 to 5) bigints and floats pass, as they were spelled. Throws `M_BAD_JSON` for what has no canonical form.
 * https://spec.matrix.org/v1.19/appendices/#canonical-json
 */
export function canonicalJson(value: Json, strict = true): string {
  const text = isReady(value, strict) ? JSON.stringify(value) : encode(value)
  if (text.includes('\\ud') && loneSurrogate.test(text)) throw badJson('a string holds half of a surrogate pair')
  return text
}

/** A copy whose keys stand in the order of Canonical JSON wherever JavaScript can keep them so: it is written in that form several times faster. */
export function inOrder<T extends Json | undefined>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof SpelledNumber) return value
  if (Array.isArray(value)) return value.map(inOrder) as unknown as T
  const ordered: Record<string, Json | undefined> = {}
  for (const key of Object.keys(value).sort(compareCodePoints)) {
    const inner = inOrder((value as JsonObject)[key])
    // Set like any other, this one would be no key.
    if (key === '__proto__') Object.defineProperty(ordered, key, { value: inner, configurable: true, enumerable: true, writable: true })
    else ordered[key] = inner
  }
  return ordered as T
}

/** Orders two strings by Unicode code point; negative if `a` comes first. Differs from `<` beyond the basic plane. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

// JSON.stringify writes \ud… only for a half of a pair; an even number of backslashes before it is text.
const loneSurrogate = /(?<!\\)(?:\\\\)*\\ud[89a-f]/

/** UTF-16 puts surrogates below U+E000; code points have them on top. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

/** Whether `JSON.stringify` gives the canonical form as it is; throws for values that have none. */
function isReady(value: Json, strict: boolean): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return checkNumber(value, strict)
    case 'object':
      if (value === null) return true
      if (value instanceof SpelledNumber) return checkSpelled(strict)
      return Array.isArray(value) ? isArrayReady(value, strict) : isObjectReady(value as JsonObject, strict)
    case 'bigint':
      if (strict) throw badJson('an integer is out of range')
      return false
    default:
      throw badJson('a value is not JSON')
  }
}

function checkNumber(value: number, strict: boolean): true {
  if (Number.isSafeInteger(value) || (!strict && Number.isFinite(value))) return true
  throw badJson(Number.isInteger(value) ? 'an integer is out of range' : 'a number is not an integer')
}

function checkSpelled(strict: boolean): false {
  if (strict) throw badJson('a number is not an integer')
  return false
}

function isArrayReady(values: readonly Json[], strict: boolean): boolean {
  let ready = true
  for (const value of values) if (!isReady(value, strict)) ready = false
  return ready
}

function isObjectReady(object: JsonObject, strict: boolean): boolean {
  let ready = true
  let previous: string | undefined
  for (const key in object) {
    const value = object[key]
    if (value === undefined) continue
    if (previous !== undefined && compareCodePoints(previous, key) > 0) ready = false
    if (!isReady(value, strict)) ready = false
    previous = key
  }
  return ready
}

function encode(value: Json): string {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (value instanceof SpelledNumber) return value.spelling
  if (Array.isArray(value)) return `[${value.map(encode).join(',')}]`
  return encodeObject(value as JsonObject)
}

function encodeObject(object: JsonObject): string {
  let text = ''
  for (const key of Object.keys(object).sort(compareCodePoints)) {
    const value = object[key]
    if (value !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${encode(value)}`
  }
  return `{${text}}`
}
