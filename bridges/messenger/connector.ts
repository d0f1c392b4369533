import type { NetworkConnector, ToldKind } from '../kit/connector.ts'
import { sendRates } from '../protocols/graph/rates.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { countChars } from '../protocols/graph/split-text.ts'
import { type MessagingDialect, messagingAccount } from '../protocols/messaging/messaging-account.ts'
import {
  buildMessengerProfile,
  buildMessengerText,
  buildPage,
  messengerLimits,
  readMessengerProfile,
} from '../protocols/messaging/messenger.ts'

const tells: readonly ToldKind[] = [
  ...(['message', 'reply', 'image', 'video', 'audio', 'file', 'sticker', 'location', 'share'] as const),
  ...(['unsupported', 'reaction', 'edit', 'delivered', 'read', 'outcome'] as const),
]

const dialect: MessagingDialect = {
  network: 'messenger',
  title: 'Messenger',
  object: 'page',
  idKind: 'psid',
  textLimit: messengerLimits.text,
  count: countChars,
  buildText: buildMessengerText,
  tagsFiles: true,
  reaction: (emoji) => emoji,
  buildAccount: buildPage,
  accountName: 'name',
  buildProfile: buildMessengerProfile,
  readProfile: readMessengerProfile,
}

/** Where people find what a login needs. */
const loginSteps = {
  account: 'the Page ID: on the Facebook page under About, Page transparency, or in Meta’s app dashboard under Messenger, API Settings',
  token:
    'the page’s access token: in Meta’s app dashboard under Messenger, API Settings, Generate token, with the permission pages_messaging',
}

/** Messenger on its official API. */
export function createMessenger(settings: GraphSettings): NetworkConnector {
  const info = { network: 'messenger', title: 'Messenger', e2ee: 'none' } as const
  return { info, tells, loginSteps, rates: sendRates.messenger, ...messagingAccount(settings, dialect) }
}
