import type { Network } from '../bridge-schema.ts'

type Account = { id: string; accessToken: string; appSecret: string }
export type Accounts = Readonly<Record<Network, Account>>

const objects: Readonly<Record<Network, string>> = { whatsapp: 'whatsapp_business_account', messenger: 'page', instagram: 'instagram' }

/** The business accounts that the sandbox stands in for. */
export async function fetchAccounts(url: string): Promise<Accounts> {
  return (await call(url, 'accounts')) as Accounts
}

/** Tells the sandbox where a bridge listens to webhooks, as one does in Meta's dashboard. */
export async function setWebhook(url: string, network: Network, bridge: string, verifyToken: string): Promise<void> {
  const body = JSON.stringify({ object: objects[network], url: `${bridge}/webhook`, verifyToken })
  await call(url, 'webhook', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
}

/** What makes a bridge speak with the sandbox: environment variables of its configuration. */
export function sandboxVariables(url: string, { id, accessToken, appSecret }: Account): Record<string, string> {
  const prefix = 'TOMBOLO_BRIDGE_GRAPH_'
  return {
    [`${prefix}BASE_URL`]: `${url}/`,
    [`${prefix}ACCOUNT_ID`]: id,
    [`${prefix}ACCESS_TOKEN`]: accessToken,
    [`${prefix}APP_SECRET`]: appSecret,
  }
}

async function call(url: string, path: string, options: RequestInit = {}): Promise<unknown> {
  const response = await fetch(`${url}/_sandbox/${path}`, options)
  if (!response.ok) throw new Error(`the sandbox answered ${response.status} to ${path}: ${await response.text()}`)
  return response.json()
}
