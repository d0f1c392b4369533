import { type Json, SpelledNumber } from './json.ts'
import { badJson, notJson } from './matrix-error.ts'
import { hasEscapedKey, parseKeyByKey } from './runtime/escaped-keys.ts'

/** How many arrays and objects may stand in each other: far more than any event needs, far less than a stack holds. */
export const maxNesting = 100

/**
 * The same for what holds other servers' events. Nothing in Matrix bounds these, and what one of them lets a user say must stop neither the transaction
 * that brings it nor the answer that holds it: this is as deep as most of them read, and no deeper than all that is done with an event may recurse.
 */
export const maxSignedNesting = 1000

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const longInteger = /[0-9]{16}/
/** Numbers that JavaScript may read or write in another way; only such stand after these signs, but for what a string says in their likeness. */
const unlike = /(?:"\s*:|[,[]|^)\s*-?(?:[0-9]{16}|[0-9]+[.eE])/
const integer = /^-?[0-9]+$/
const spelled = ' '.charCodeAt(0)

/**
 * Parses the body of a request. Throws `M_NOT_JSON` for bytes that are no UTF-8 or no JSON (also `NaN`), `M_BAD_JSON` for nesting beyond
 * `levels`. Of a key that stands twice the last one counts; `__proto__` is a key like any other.
 */
export function parseStrict(body: Uint8Array | string, levels = maxNesting): Json {
  return parse(decodeText(body), levels)
}

/**
 * Parses JSON of another server with every number exact: integers beyond ±(2^53-1), which events of room versions 1 to 5 may carry, become
 * bigints, and what JavaScript would write in another way (`1.0`) a `SpelledNumber`. Throws as `parseStrict` does.
 */
export function parseLossless(body: Uint8Array | string, levels = maxSignedNesting): Json {
  const text = decodeText(body)
  const value = parseStrict(text, levels)
  return unlike.test(text) ? parseRight(text, keepNumber) : value
}

/**
 * Parses JSON that this server wrote itself, with every integer exact. However deeply it is nested: what was let in once stands a level deeper in
 * what is kept of it, and must be readable for ever.
 */
export function parseStored(json: Uint8Array): Json {
  if (json[0] === spelled) return parseLossless(json, Number.POSITIVE_INFINITY)
  const text = decodeText(json)
  return parseRight(text, longInteger.test(text) ? keepInteger : undefined)
}

/** Parses JSON that a client wrote and this server keeps as text. */
export function parseKept(text: string): Json {
  return parseRight(text)
}

/**
 * Writes what another server signed so that `parseStored` reads every number as it was spelled: a leading space says that there are such that
 * JavaScript would spell in another way.
 */
export function writeStored(canonical: string): Uint8Array {
  return Buffer.from(unlike.test(canonical) ? ` ${canonical}` : canonical)
}

function keepInteger(_key: string, value: Json, context?: { source?: string }): Json {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source
  return source !== undefined && integer.test(source) ? BigInt(source) : value
}

function keepNumber(key: string, value: Json, context?: { source?: string }): Json {
  const source = context?.source
  if (typeof value !== 'number' || source === undefined) return value
  if (integer.test(source)) return keepInteger(key, value, context)
  return String(value) === source ? value : (new SpelledNumber(source) as unknown as Json)
}

/** The text of bytes. Throws `M_NOT_JSON` if they are no UTF-8. */
export function decodeText(body: Uint8Array | string): string {
  if (typeof body === 'string') return body
  try {
    return utf8.decode(body)
  } catch {
    throw notJson('the body is not UTF-8')
  }
}

function parse(text: string, levels: number): Json {
  let value: Json
  try {
    value = JSON.parse(text)
  } catch {
    throw notJson()
  }
  if (!isShallow(value, levels)) throw badJson('the JSON is nested too deeply')
  return hasEscapedKey(text) ? parseKeyByKey(text, JSON.parse) : value
}

/** `JSON.parse`, also of keys that V8 gets wrong. */
function parseRight(text: string, keep?: typeof keepNumber): Json {
  return hasEscapedKey(text) ? parseKeyByKey(text, (token) => JSON.parse(token, keep)) : JSON.parse(text, keep)
}

function isShallow(value: Json | undefined, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null && !isShallow(inner, levels - 1)) return false
  }
  return true
}
