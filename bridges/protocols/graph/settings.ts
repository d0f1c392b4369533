/** What all accounts of one app share. */
export interface GraphSettings {
  baseUrl: string
  version: string
  /** Signs webhooks. */
  appSecret: string
  /** Proves that it was us who set up the webhook. */
  verifyToken: string
  /** Hosts from which files may be fetched beside the network's own, as `mediaHostsOf` takes them. */
  mediaHosts?: readonly string[]
}
