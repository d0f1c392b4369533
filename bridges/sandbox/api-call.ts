import type { SandboxAccount } from './accounts.ts'
import type { Happening } from './envelope.ts'
import type { ErrorSpec } from './graph-error.ts'
import type { UploadedFile } from './media/read-form.ts'

export type Json = Readonly<Record<string, unknown>>

/** A call to the Graph API after its token was found good. */
export interface ApiCall {
  method: string
  /** The path below the version. */
  segments: readonly string[]
  query: URLSearchParams
  body: Json
  /** The files of a multipart form. */
  files?: ReadonlyMap<string, UploadedFile>
  /** The account that the token belongs to. */
  account: SandboxAccount
}

/** What a call comes to: an answer and what it sets off, or an error of the documentation. */
export type Outcome = { body: unknown; happenings?: Happening[] } | { error: ErrorSpec }

export function stringOf(object: unknown, key: string): string | undefined {
  const value = asJson(object)[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function asJson(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

/** Undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
