import type { GraphFailure } from './failure.ts'
import { createGraphClient, type GraphRequest } from './graph-client.ts'
import { idField, type JsonObject, textField } from './read-json.ts'
import type { GraphSettings } from './settings.ts'

/** An account with its token. */
export interface Credentials {
  account: string
  accessToken: string
}

/** Asks the network for an account with its token: who may see it may use it. Its name stands under `nameField`. */
export function proveAccount(settings: GraphSettings, { account, accessToken }: Credentials, request: GraphRequest, nameField: string) {
  return askOnce(settings, accessToken, request, (body) => {
    const name = textField(body, nameField, 256)
    return { kind: 'done' as const, account: idField(body, 'id') ?? account, ...(name === undefined ? {} : { name }) }
  })
}

/** One call with a client of its own. A question asks nobody for anything to happen, so one whose answer was lost may be asked again. */
export async function askOnce<T>(
  { baseUrl, version }: GraphSettings,
  accessToken: string,
  request: GraphRequest,
  read: (body: JsonObject) => T,
) {
  const client = createGraphClient({ baseUrl, version, accessToken })
  try {
    const result = await client.call(request)
    return result.kind === 'done' ? read(result.body) : unanswered(result)
  } finally {
    await client.close()
  }
}

function unanswered({ kind, class: reason, words, retryAfterMs }: GraphFailure) {
  if (kind === 'refused') return { kind: 'refused' as const, class: reason, words }
  return { kind: 'retry' as const, class: reason, words, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}
