import { fitsBytes } from './ids.ts'
import { invalidParam } from './matrix-error.ts'

/** Whether a value is a string that can be kept as a key: not empty, at most `limit` bytes of UTF-8, without NUL and halves of surrogate pairs. */
export function isPlainText(value: unknown, limit = 255): value is string {
  return typeof value === 'string' && value !== '' && fitsBytes(value, limit) && !value.includes('\0') && value.isWellFormed()
}

/** The value, if `isPlainText`; 400 `M_INVALID_PARAM` with its name otherwise. */
export function checkPlainText(name: string, value: unknown, limit = 255): string {
  if (isPlainText(value, limit)) return value
  throw invalidParam(`${name} is not a text of 1 to ${limit} bytes`)
}
