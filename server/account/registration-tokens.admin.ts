import { readOptionalText } from '../core/fields.ts'
import type { JsonObject } from '../core/json.ts'
import { forbidden, invalidParam } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { createRegistrationToken } from './registration-tokens.ts'

/** Making registration tokens, as administrators' tools ask for it. */
export function registrationTokensAdmin({ home }: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_synapse/admin/v1/registration_tokens/new',
      operationId: 'createRegistrationToken',
      auth: 'access_token',
      body: 'json?',
      handle: async ({ requester, body }) => {
        if (!requester.admin) throw forbidden('this is for administrators')
        const wished = readOptionalText(body, 'token')
        if (wished !== undefined && !/^[A-Za-z0-9._~-]{1,64}$/.test(wished)) throw invalidParam('token is not of A-Z, a-z, 0-9 and . _ ~ -')
        const usesAllowed = readWhole(body, 'uses_allowed')
        const expiresAt = readWhole(body, 'expiry_time')
        const token = await createRegistrationToken(home, { token: wished, usesAllowed, expiresAt })
        return { body: { token, uses_allowed: usesAllowed ?? null, pending: 0, completed: 0, expiry_time: expiresAt ?? null } }
      },
    }),
  ]
}

function readWhole(body: JsonObject, key: string): number | undefined {
  const value = body[key]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw invalidParam(`${key} is not a whole number`)
  return value
}
