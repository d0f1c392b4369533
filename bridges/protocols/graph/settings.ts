/** What all accounts of one app share. */
export interface GraphSettings {
  baseUrl: string
  version: string
  /** Signs webhooks. */
  appSecret: string
  /** Proves that it was us who set up the webhook. */
  verifyToken: string
}
