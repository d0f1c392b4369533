import type { ContactCard, InboundMedia, InboundSaid, Place } from '../connector.ts'

type WithoutFiles = Exclude<InboundSaid, InboundMedia>
type Content = Readonly<Record<string, unknown>>
export type Rendered = {
  /** As it stands in the room. */
  readonly content: Content
  /** As it is carried to other chats; undefined for what stays. */
  readonly text: string | undefined
}
export type Frame = {
  /** Stands before what the account itself wrote elsewhere. */
  readonly lead: string
  /** Others than the two of the chat read it. */
  readonly shared: boolean
  /** It answers what is not in the room. */
  readonly answersUnknown: boolean
}

/** What somebody said on a network, as a message of Matrix and as the words for other networks. Pure. */
export function render(event: WithoutFiles, { lead, shared, answersUnknown }: Frame): Rendered {
  const { content, text } = renderKind(event, shared)
  const marks = [answersUnknown ? '↩ To an earlier message:\n' : '', forwardMarks[event.forwarded ?? 'not']].join('')
  const body = `${lead}${marks}${content['body']}`
  return { content: { ...content, body }, text: text === undefined ? undefined : `${forwardMarks[event.forwarded ?? 'not']}${text}` }
}

const forwardMarks = { not: '', once: '↪ Forwarded:\n', often: '↪ Forwarded many times:\n' } as const

function renderKind(event: WithoutFiles, shared: boolean): Rendered {
  switch (event.type) {
    case 'message':
      return words(event.text)
    case 'location':
      return renderPlace(event.location)
    case 'contacts':
      return words(event.contacts.map((card) => cardText(card, shared)).join('\n'))
    case 'share': {
      const lines = [event.text, event.title, event.url].filter((line) => line !== undefined && line !== '')
      return lines.length > 0 ? words([...new Set(lines)].join('\n')) : notice(event.nativeType, undefined)
    }
    case 'unsupported':
      return notice(event.nativeType, event.text)
  }
}

function words(text: string): Rendered {
  return { content: { msgtype: 'm.text', body: text }, text }
}

/** https://spec.matrix.org/v1.19/client-server-api/#mlocation */
function renderPlace({ latitude, longitude, name, address }: Place): Rendered {
  const where = `${latitude},${longitude}`
  const lines = [name, address].filter((line) => line !== undefined && line !== '')
  const text = [`📍 ${lines.shift() ?? where}`, ...lines, ...(name || address ? [where] : [])].join('\n')
  return { content: { msgtype: 'm.location', body: text, geo_uri: `geo:${where}` }, text }
}

/** Numbers and addresses of a card are for those to whom it was given, and not for everybody in a shared room. */
function cardText({ name, organisation, phones, emails }: ContactCard, shared: boolean): string {
  const title = `👤 ${name}${organisation ? ` (${organisation})` : ''}`
  const ways = [...phones.map(({ number }) => number), ...emails.map(({ address }) => address)]
  if (!shared) return [title, ...ways].join('\n')
  return ways.length > 0 ? `${title}\nNumbers and addresses are not shown in a shared room: ask for them.` : title
}

const hints: Readonly<Record<string, string>> = {
  poll_creation: 'a poll: answer it in words',
  poll_update: 'a vote in a poll',
  edit: 'a correction, which the network does not show',
  view_once: 'something that may be seen once, on their phone alone',
  order: 'an order: look into the shop on the network',
  call: 'a call: the network rings on the phone alone',
}

function notice(nativeType: string, caption: string | undefined): Rendered {
  const kind = Object.hasOwn(hints, nativeType)
    ? hints[nativeType]
    : nativeType === 'unknown'
      ? 'of a kind that the network hides'
      : nativeType
  const body = `Sent something that is not carried yet (${kind})${caption ? `: ${caption}` : ''}`
  const hint =
    caption || nativeType === 'unknown' || Object.hasOwn(hints, nativeType)
      ? ''
      : '\nAsk for it in words, or look into the chat on the network.'
  return { content: { msgtype: 'm.notice', body: `${body}${hint}` }, text: undefined }
}
