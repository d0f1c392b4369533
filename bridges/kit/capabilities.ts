import { type FileLimit, type MediaKind, mediaKinds, type NetworkConnector, type Rates, type Session, type ToldKind } from './connector.ts'

/** How something gets to a network: as what it is, told in words, or not at all. */
export type Way = 'native' | 'words' | 'none'
/** What goes out beside texts and files. */
export const outgoingKinds = [
  'reaction',
  'correction',
  'withdrawal',
  'place',
  'contacts',
  'formatting',
  'read',
  'typing',
  'template',
] as const
export type OutgoingKind = (typeof outgoingKinds)[number]

export type Capabilities = {
  /** How much a message holds, before it goes in parts. */
  readonly text: { readonly limit: number; readonly unit: 'characters' | 'bytes' }
  readonly out: Readonly<Record<OutgoingKind, Way>>
  /** Files by kind; a kind that is missing goes as another kind. None where no files go at all. */
  readonly files: Readonly<Partial<Record<MediaKind, FileLimit>>>
  readonly tells: ReadonlySet<ToldKind>
  readonly windowMs: number | undefined
  /** For answers of humans, where the network lets the account say so. */
  readonly agentWindowMs: number | undefined
  readonly rates: Rates
}

/** What a connector can do, as far as what it has says so. Its session is looked at, and asked nothing. */
export async function capabilitiesOf(connector: NetworkConnector): Promise<Capabilities> {
  const session = connector.open({ account: '0', accessToken: 'none' })
  await session.close()
  const has = (method: keyof Session, otherwise: Way = 'words'): Way => (session[method] ? 'native' : otherwise)
  return {
    text: measureText(connector),
    out: {
      reaction: has('react', 'none'),
      correction: has('edit'),
      withdrawal: has('withdraw'),
      place: has('sendPlace'),
      contacts: has('sendContacts'),
      formatting: connector.markup ? 'native' : 'none',
      read: has('markRead', 'none'),
      typing: has('showTyping', 'none'),
      template: has('sendTemplate', 'none'),
    },
    files: session.takeMedia && session.sendMedia ? filesOf(connector) : {},
    tells: new Set(connector.tells),
    windowMs: connector.replyWindowMs,
    agentWindowMs: connector.agentWindowMs,
    rates: connector.rates ?? {},
  }
}

function filesOf({ files = {} }: NetworkConnector): Capabilities['files'] {
  return Object.fromEntries(mediaKinds.flatMap((kind) => (files[kind] ? [[kind, files[kind]]] : [])))
}

const shortText = 8192
const longText = 262_144

/** A text of signs of three bytes is cut earlier where bytes are counted. */
function measureText({ split }: NetworkConnector): Capabilities['text'] {
  const firstOf = (sign: string) => {
    for (let length = shortText; length <= longText; length *= 4) {
      const [first = '', ...more] = split(sign.repeat(length))
      if (more.length > 0) return first.length
    }
    return longText
  }
  const limit = firstOf('x')
  return { limit, unit: firstOf('€') < limit ? 'bytes' : 'characters' }
}
