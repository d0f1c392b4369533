import type { NetworkConnector, ToldKind } from '../kit/connector.ts'
import { sendRates } from '../protocols/graph/rates.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { countBytes } from '../protocols/graph/split-text.ts'
import {
  buildInstagramAccount,
  buildInstagramProfile,
  buildInstagramText,
  instagramLimits,
  readInstagramProfile,
} from '../protocols/messaging/instagram.ts'
import { type MessagingDialect, messagingAccount } from '../protocols/messaging/messaging-account.ts'
import { renew } from './renew.ts'

const tells: readonly ToldKind[] = [
  ...(['message', 'reply', 'image', 'video', 'audio', 'file', 'sticker', 'share', 'unsupported'] as const),
  ...(['reaction', 'edit', 'deleted', 'read', 'outcome'] as const),
]

const hearts = ['❤', '❤️', '♥', '♥️']

const dialect: MessagingDialect = {
  network: 'instagram',
  title: 'Instagram',
  object: 'instagram',
  idKind: 'igsid',
  textLimit: instagramLimits.text,
  count: countBytes,
  // It has no place for a tag: a send whose answer was lost is recognised by its echo's text.
  buildText: (account, { tag: _, ...message }) => buildInstagramText(account, message),
  tagsFiles: false,
  // The heart has a name of its own.
  reaction: (emoji) => (hearts.includes(emoji) ? 'love' : emoji),
  buildAccount: buildInstagramAccount,
  accountName: 'username',
  buildProfile: buildInstagramProfile,
  readProfile: readInstagramProfile,
}

/** Where people find what a login needs. */
const loginSteps = {
  account: 'the Instagram account ID: in Meta’s app dashboard under Instagram, API setup, beside the account’s name',
  token: 'the account’s access token: in the same place, Generate token, with the permission instagram_business_manage_messages',
}

/** Instagram on its official API. */
export function createInstagram(settings: GraphSettings): NetworkConnector {
  const info = { network: 'instagram', title: 'Instagram', e2ee: 'none' } as const
  return {
    info,
    tells,
    loginSteps,
    rates: sendRates.instagram,
    renew: (secrets) => renew(settings, secrets),
    ...messagingAccount(settings, dialect),
  }
}
