import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** The file that the homeserver has too. https://spec.matrix.org/v1.19/application-service-api/#registration */
export type Registration = Readonly<Record<string, unknown>> & {
  readonly id: string
  readonly as_token: string
  readonly hs_token: string
  readonly sender_localpart: string
}

/** Reads a registration file. Throws an Error that says what is missing. */
export function readRegistration(file: string): Registration {
  const value: unknown = parse(readFileSync(file, 'utf8'))
  const fields = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  for (const key of ['id', 'as_token', 'hs_token', 'sender_localpart']) {
    if (typeof fields[key] !== 'string' || fields[key] === '') throw new Error(`the registration file has no ${key}`)
  }
  return fields as Registration
}
