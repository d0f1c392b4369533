import { parseMxc } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { badJson, invalidParam, MatrixError, missingParam } from '../core/matrix-error.ts'

/** All of a profile, as JSON. https://spec.matrix.org/v1.19/client-server-api/#profiles */
export const maxProfileBytes = 64 * 1024
const maxKeyBytes = 255
export const maxDisplayName = 256
export const maxAvatarUrl = 1000

/** https://spec.matrix.org/v1.19/appendices/#common-namespaced-identifier-grammar */
const keyGrammar = /^[a-z][a-z0-9_.-]*$/

/** Whether a text can be the name of a field. */
export function isKey(key: string): boolean {
  return Buffer.byteLength(key) <= maxKeyBytes && keyGrammar.test(key)
}

/** 400 M_KEY_TOO_LARGE or M_INVALID_PARAM for what is not the name of a field. */
export function checkKey(key: string): void {
  if (Buffer.byteLength(key) > maxKeyBytes) throw new MatrixError(400, 'M_KEY_TOO_LARGE', 'the name of the field is too long')
  if (!keyGrammar.test(key)) throw invalidParam('this is not the name of a profile field')
}

/** The value that a request sets a field to; undefined deletes it, as an empty (or null) display name or avatar does. */
export function readValue(body: JsonObject, key: string): Json | undefined {
  const value = Object.hasOwn(body, key) ? body[key] : undefined
  if (value === undefined) throw missingParam(`\`${key}\` is missing`)
  if (key !== 'displayname' && key !== 'avatar_url') return value
  if (value === null || value === '') return undefined
  if (typeof value !== 'string') throw badJson(`\`${key}\` must be a string`)
  if (key === 'displayname' && value.length > maxDisplayName) throw invalidParam(`a display name has at most ${maxDisplayName} characters`)
  if (key === 'avatar_url' && (value.length > maxAvatarUrl || !parseMxc(value))) throw invalidParam('avatar_url is not an mxc:// address')
  return value
}

/** 400 M_PROFILE_TOO_LARGE when a profile would not fit. */
export function checkSize(profile: JsonObject): void {
  if (Buffer.byteLength(JSON.stringify(profile)) > maxProfileBytes) {
    throw new MatrixError(400, 'M_PROFILE_TOO_LARGE', 'the profile would be larger than 64 KiB')
  }
}
