import { createHmac } from 'node:crypto'

export type Network = 'whatsapp' | 'messenger' | 'instagram'
export type WebhookObject = 'whatsapp_business_account' | 'page' | 'instagram'

export const networks: readonly Network[] = ['whatsapp', 'messenger', 'instagram']
export const objectOf: Readonly<Record<Network, WebhookObject>> = {
  whatsapp: 'whatsapp_business_account',
  messenger: 'page',
  instagram: 'instagram',
}

/** What a bridge needs to act for one business account of the sandbox. */
export interface SandboxAccount {
  network: Network
  /** Phone number id, Page id or Instagram id: the id in `POST /{id}/messages` and in webhooks. */
  id: string
  /** The id of webhook entries: the WhatsApp business account's, else `id` again. */
  entryId: string
  name: string
  username?: string
  phone?: string
  accessToken: string
  appId: string
  appSecret: string
}

export type SandboxAccounts = Readonly<Record<Network, SandboxAccount>>

/** One account a network; ids, tokens and secrets follow from the seed, so a sandbox started again with it is the same to a bridge. */
export function createAccounts(seed: string): SandboxAccounts {
  const base = (network: Network) => {
    const id = digitsFrom(seed, `${network} account`, 15)
    return {
      network,
      id,
      entryId: id,
      accessToken: `EAA${secretFrom(seed, `${network} token`, 96)}`,
      appId: digitsFrom(seed, `${network} app`, 15),
      appSecret: hmac(seed, `${network} secret`).toString('hex').slice(0, 32),
    }
  }
  return {
    whatsapp: { ...base('whatsapp'), entryId: digitsFrom(seed, 'waba', 15), name: 'Tombolo Bikes', phone: '15550783881' },
    messenger: { ...base('messenger'), name: 'Tombolo Bikes' },
    instagram: { ...base('instagram'), name: 'Tombolo Bikes', username: 'tombolo.bikes' },
  }
}

/** Digits that follow from a seed and a label; the first is never 0. */
export function digitsFrom(seed: string, label: string, length: number): string {
  const digits = BigInt(`0x${hmac(seed, label).toString('hex')}`)
    .toString()
    .slice(-length)
  return digits.startsWith('0') ? `7${digits.slice(1)}` : digits
}

/** Letters and digits that follow from a seed and a label. */
export function secretFrom(seed: string, label: string, length: number): string {
  const blocks = [0, 1, 2, 3].map((block) => hmac(seed, `${label} ${block}`).toString('base64'))
  return blocks
    .join('')
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(0, length)
}

function hmac(seed: string, label: string): Buffer {
  return createHmac('sha256', seed).update(label).digest()
}
