/** A JSON value as Matrix knows it: integers beyond 2^53 (rooms of versions 1 to 5) are bigints. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject

/** A JSON object. A property that is undefined is absent, as `JSON.stringify` has it. */
export type JsonObject = { readonly [key: string]: Json | undefined }

/**
 * A number that JavaScript would write in another way (`1.0`, `1E3`): events of room versions 1 to 5 may hold it, and their hashes are taken of
 * it as it is spelled. Later ones may not. It stands where a number does.
 */
export class SpelledNumber {
  readonly spelling: string

  constructor(spelling: string) {
    this.spelling = spelling
  }

  toJSON(): number {
    return Number(this.spelling)
  }
}

/** Whether a value is a JSON object: neither null, an array nor a scalar. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof SpelledNumber)
}
