import { type EventId, isEventId, isRoomId, isUserId, type RoomId, type UserId } from './ids.ts'
import { isJsonObject, type Json, type JsonObject } from './json.ts'
import { badJson, invalidParam, missingParam } from './matrix-error.ts'

/** Reading requests' fields: each answers the value in its type, or throws the error that Matrix has for a missing or a wrong one. */

/** A string; 400 M_MISSING_PARAM without it, M_BAD_JSON for another type. */
export function readText(body: JsonObject, key: string): string {
  const text = readOptionalText(body, key)
  if (text === undefined) throw missingParam(`\`${key}\` is missing`)
  return text
}

/** A string or undefined; null counts as absent. */
export function readOptionalText(body: JsonObject, key: string): string | undefined {
  const value = own(body, key)
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw badJson(`\`${key}\` must be a string`)
  return value
}

/** A boolean or undefined. */
export function readOptionalBoolean(body: JsonObject, key: string): boolean | undefined {
  const value = own(body, key)
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'boolean') throw badJson(`\`${key}\` must be true or false`)
  return value
}

/** An object or undefined. */
export function readOptionalObject(body: JsonObject, key: string): JsonObject | undefined {
  const value = own(body, key)
  if (value === undefined || value === null) return undefined
  if (!isJsonObject(value)) throw badJson(`\`${key}\` must be an object`)
  return value
}

/** A list, empty when it is missing. */
export function readList(body: JsonObject, key: string): readonly Json[] {
  const value = own(body, key)
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw badJson(`\`${key}\` must be a list`)
  return value
}

/** A user id in a body; 400 M_INVALID_PARAM when it is none. */
export function readUserId(body: JsonObject, key: string): UserId {
  const value = readText(body, key)
  if (!isUserId(value)) throw invalidParam(`\`${key}\` must be a user id, as @someone:example.org`)
  return value
}

/** A room id in a path; 400 M_INVALID_PARAM when it is none. */
export function roomIdOf(value: string | undefined): RoomId {
  if (!isRoomId(value)) throw invalidParam('this is not a room id: it begins with !')
  return value
}

/** An event id in a path; 400 M_INVALID_PARAM when it is none. */
export function eventIdParameter(value: string | undefined): EventId {
  if (!isEventId(value)) throw invalidParam('this is not an event id: it begins with $')
  return value
}

/** A user id in a path; 400 M_INVALID_PARAM when it is none. */
export function userIdOf(value: string | undefined): UserId {
  if (!isUserId(value)) throw invalidParam('this is not a user id, as @someone:example.org')
  return value
}

/** A whole number in a query, at least 0 and cut off at `most`; `fallback` without it; 400 M_INVALID_PARAM otherwise. */
export function readCount(query: URLSearchParams, key: string, fallback: number, most: number): number {
  const text = query.get(key)
  if (text === null || text === '') return fallback
  if (!/^\d{1,15}$/.test(text)) throw invalidParam(`\`${key}\` must be a whole number`)
  return Math.min(Number(text), most)
}

/** A choice in a query; undefined without it, 400 M_INVALID_PARAM for one that is not among them. */
export function readChoice<T extends string>(query: URLSearchParams, key: string, among: readonly T[]): T | undefined {
  const text = query.get(key)
  if (text === null) return undefined
  if (!(among as readonly string[]).includes(text)) throw invalidParam(`\`${key}\` must be one of ${among.join(', ')}`)
  return text as T
}

function own(body: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(body, key) ? body[key] : undefined
}
