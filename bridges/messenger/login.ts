import type { LoginResult, LoginSecrets } from '../kit/connector.ts'
import { createGraphClient } from '../protocols/graph/graph-client.ts'
import { buildPage } from '../protocols/graph/messenger.ts'
import { idField, textField } from '../protocols/graph/read-json.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'

/** Where people find what a login needs. */
export const loginSteps = {
  account: 'the Page ID: on the Facebook page under About, Page transparency, or in Meta’s app dashboard under Messenger, API Settings',
  token:
    'the page’s access token: in Meta’s app dashboard under Messenger, API Settings, Generate token, with the permission pages_messaging',
}

/** Asks Messenger for the account with the token: who may see it may use it. */
export async function login({ baseUrl, version }: GraphSettings, { account, accessToken }: LoginSecrets): Promise<LoginResult> {
  const client = createGraphClient({ baseUrl, version, accessToken })
  try {
    const result = await client.call(buildPage(account))
    if (result.kind === 'done') {
      const name = textField(result.body, 'name', 256)
      return { kind: 'done', account: idField(result.body, 'id') ?? account, ...(name === undefined ? {} : { name }) }
    }
    const { class: reason, words, retryAfterMs } = result
    if (result.kind === 'refused') return { kind: 'refused', class: reason, words }
    return { kind: 'retry', class: reason, words, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
  } finally {
    await client.close()
  }
}
