/** A JSON value as Matrix knows it: integers beyond 2^53 (rooms of versions 1 to 5) are bigints. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject

/** A JSON object. A property that is undefined is absent, as `JSON.stringify` has it. */
export type JsonObject = { readonly [key: string]: Json | undefined }

/** Whether a value is a JSON object: neither null, an array nor a scalar. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
