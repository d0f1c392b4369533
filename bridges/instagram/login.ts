import type { LoginResult, LoginSecrets, Refused, Renewed, Retry } from '../kit/connector.ts'
import { createGraphClient } from '../protocols/graph/graph-client.ts'
import { buildInstagramAccount, buildInstagramRenewal, readInstagramRenewal } from '../protocols/graph/instagram.ts'
import { idField, textField } from '../protocols/graph/read-json.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'

/** Where people find what a login needs. */
export const loginSteps = {
  account: 'the Instagram account ID: in Meta’s app dashboard under Instagram, API setup, beside the account’s name',
  token: 'the account’s access token: in the same place, Generate token, with the permission instagram_business_manage_messages',
}

/** Asks Instagram for the account with the token: who may see it may use it. */
export async function login({ baseUrl, version }: GraphSettings, { account, accessToken }: LoginSecrets): Promise<LoginResult> {
  const client = createGraphClient({ baseUrl, version, accessToken })
  try {
    const result = await client.call(buildInstagramAccount(account))
    if (result.kind === 'done') {
      const name = textField(result.body, 'username', 256)
      return { kind: 'done', account: idField(result.body, 'id') ?? account, ...(name === undefined ? {} : { name }) }
    }
    const { class: reason, words, retryAfterMs } = result
    if (result.kind === 'refused') return { kind: 'refused', class: reason, words }
    return { kind: 'retry', class: reason, words, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
  } finally {
    await client.close()
  }
}

/** A token of Instagram Login is good for 60 days; another takes its place. Tokens of Pages do not end, and are refused here. */
export async function renew({ baseUrl, version }: GraphSettings, { accessToken }: LoginSecrets): Promise<Renewed | Refused | Retry> {
  const client = createGraphClient({ baseUrl, version, accessToken })
  try {
    const result = await client.call(buildInstagramRenewal())
    const renewal = result.kind === 'done' ? readInstagramRenewal(result.body) : undefined
    if (renewal) return { kind: 'renewed', ...renewal }
    if (result.kind === 'done') return { kind: 'retry', class: 'server', words: 'Instagram renewed the token and gave none.' }
    return { kind: result.kind === 'refused' ? 'refused' : 'retry', class: result.class, words: result.words }
  } finally {
    await client.close()
  }
}
