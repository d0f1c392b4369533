/** JSON that a stranger wrote: every reader looks at own properties only and answers undefined for what is not there or of another type. */
export type JsonObject = { [key: string]: unknown }

const maxIdLength = 512
const maxDepth = 64

/** Parses JSON text whose nesting is at most 64 deep; undefined for anything else. Never throws. */
export function parseJson(text: string): unknown {
  if (nestsTooDeep(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The value as a JSON object (not an array, not null), or undefined. */
export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
}

/** An own property, never one of the prototype: a type called "constructor" is only a word here. */
export function field(object: JsonObject | undefined, key: string): unknown {
  return object && Object.hasOwn(object, key) ? object[key] : undefined
}

export function objectField(object: JsonObject | undefined, key: string): JsonObject | undefined {
  return asObject(field(object, key))
}

/** The elements under a key; an empty list when there is none. */
export function listField(object: JsonObject | undefined, key: string): unknown[] {
  const value = field(object, key)
  return Array.isArray(value) ? value : []
}

/** A string made well-formed (a lone surrogate becomes U+FFFD) and cut at the limit, or undefined. */
export function textField(object: JsonObject | undefined, key: string, limit = 65_536): string | undefined {
  const value = field(object, key)
  return typeof value === 'string' ? value.slice(0, limit).toWellFormed() : undefined
}

/** An id: a string of 1 to 512 characters, or a whole number written as one. */
export function idField(object: JsonObject | undefined, key: string): string | undefined {
  const value = field(object, key)
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined
  return typeof value === 'string' && value.length > 0 && value.length <= maxIdLength ? value.toWellFormed() : undefined
}

/** A whole number, also when it is written as a string of digits (WhatsApp's timestamps). */
export function integerField(object: JsonObject | undefined, key: string): number | undefined {
  const value = field(object, key)
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined
}

/** A finite number. */
export function numberField(object: JsonObject | undefined, key: string): number | undefined {
  const value = field(object, key)
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** An http or https address of at most 4096 characters without credentials in it. */
export function urlField(object: JsonObject | undefined, key: string): string | undefined {
  const value = field(object, key)
  const url = typeof value === 'string' && value.length <= 4096 ? URL.parse(value) : null
  return url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' ? url.href : undefined
}

function nestsTooDeep(text: string): boolean {
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (quoted) {
      if (unit === 0x5c) at++
      else if (unit === 0x22) quoted = false
    } else if (unit === 0x22) quoted = true
    else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > maxDepth) return true
    } else if (unit === 0x7d || unit === 0x5d) depth--
  }
  return false
}
