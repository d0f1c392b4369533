import type { InboundMedia, InboundSaid, Markup, Place } from '../connector.ts'
import { cardText } from '../outbound/card.ts'
import { placeText } from '../outbound/words.ts'
import { writeHtml } from '../rich-text.ts'

type WithoutFiles = Exclude<InboundSaid, InboundMedia>
type Content = Readonly<Record<string, unknown>>
export type Rendered = {
  /** As it stands in the room. */
  readonly content: Content
  /** As it is carried to other chats; undefined for what stays. */
  readonly text: string | undefined
  /** Where it is a place: as it is carried to those who take places. */
  readonly place?: Place
}
export type Frame = {
  /** Stands before what the account itself wrote elsewhere. */
  readonly lead: string
  /** Others than the two of the chat read it. */
  readonly shared: boolean
  /** It answers what is not in the room. */
  readonly answersUnknown: boolean
  readonly markup?: Markup | undefined
}

/** What somebody said on a network, as a message of Matrix and as the words for other networks. Pure. */
export function render(event: WithoutFiles, { lead, shared, answersUnknown, markup }: Frame): Rendered {
  const { content, text, place } = renderKind(event, shared)
  const before = `${lead}${marksOf(event, answersUnknown)}`
  const formatted = event.type === 'message' ? formattedOf(markup, event.text, before) : {}
  return {
    content: { ...content, body: `${before}${content['body']}`, ...formatted },
    text: text === undefined ? undefined : `${forwardMarks[event.forwarded ?? 'not']}${text}`,
    ...(place ? { place } : {}),
  }
}

/** The fields of a message that show the marks in a text of the network; none where it bears no marks. */
export function formattedOf(markup: Markup | undefined, text: string, before = ''): Record<string, string> {
  const runs = markup?.read(text)
  const lead = before === '' ? [] : [{ text: before, marks: [] }]
  return runs ? { format: 'org.matrix.custom.html', formatted_body: writeHtml([...lead, ...runs]) } : {}
}

/** What stands before the words of a message that answers what is not in the room, or that was forwarded. */
export function marksOf({ forwarded = undefined }: Pick<InboundSaid, 'forwarded'>, answersUnknown: boolean): string {
  return [answersUnknown ? '↩ To an earlier message:\n' : '', forwardMarks[forwarded ?? 'not']].join('')
}

const forwardMarks = { not: '', once: '↪ Forwarded:\n', often: '↪ Forwarded many times:\n' } as const

function renderKind(event: WithoutFiles, shared: boolean): Rendered {
  switch (event.type) {
    case 'message':
      return words(event.text)
    case 'location':
      return renderPlace(event.location)
    case 'contacts':
      // Numbers and addresses are for those to whom the card was given, and not for everybody in a shared room.
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
function renderPlace(place: Place): Rendered {
  const text = placeText(place)
  return { content: { msgtype: 'm.location', body: text, geo_uri: `geo:${place.latitude},${place.longitude}` }, text, place }
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
