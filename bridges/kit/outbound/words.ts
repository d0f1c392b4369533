import type { Markup, Place } from '../connector.ts'
import { readHtml } from '../rich-text.ts'

type Content = Readonly<Record<string, unknown>>

const longestText = 65_536
const longestQuote = 100

/** The words of a text message, with its marks where the network writes such; undefined for other kinds and for empty ones. */
export function textOf(content: Content, markup?: Markup): string | undefined {
  const { msgtype, body } = content
  if (typeof body !== 'string' || (msgtype !== 'm.text' && msgtype !== 'm.emote')) return undefined
  const plain = plainMentions(answeredBy(content) === undefined ? body : withoutQuote(body))
  const text = (markedText(content, markup) ?? plain).slice(0, longestText).toWellFormed()
  if (text.trim() === '') return undefined
  return msgtype === 'm.emote' ? `* ${text}` : text
}

/** The formatted words of a message in the signs of a network; undefined where there are none. */
export function markedText({ format, formatted_body: html }: Content, markup: Markup | undefined): string | undefined {
  const runs = markup && format === 'org.matrix.custom.html' && typeof html === 'string' ? readHtml(html) : undefined
  return runs && markup?.write(runs)
}

const geoPattern = /^geo:(-?\d{1,3}(?:\.\d{1,15})?),(-?\d{1,3}(?:\.\d{1,15})?)(?![\d.])/
const longestPlaceName = 200

/** The place of a message; undefined when it is none. Its name is what the body says beside the coordinates. https://spec.matrix.org/v1.19/client-server-api/#mlocation */
export function placeOf({ msgtype, geo_uri: uri, body }: Content): Place | undefined {
  const [, latitude, longitude] = (msgtype === 'm.location' && typeof uri === 'string' && geoPattern.exec(uri)) || []
  if (latitude === undefined || longitude === undefined) return undefined
  if (Math.abs(Number(latitude)) > 90 || Math.abs(Number(longitude)) > 180) return undefined
  const lines = (typeof body === 'string' ? body.toWellFormed() : '').replace(/^📍 /u, '').split('\n')
  const [name, address] = lines
    .map((line) => line.trim().slice(0, longestPlaceName))
    .filter((line) => line !== '' && !/geo:|-?\d+\.\d+\s*,\s*-?\d+\.\d+/.test(line) && line !== `${latitude},${longitude}`)
  const named = { ...(name === undefined ? {} : { name }), ...(address === undefined ? {} : { address }) }
  return { latitude: Number(latitude), longitude: Number(longitude), ...named }
}

/** A place in words, with its coordinates. */
export function placeText({ latitude, longitude, name, address }: Place): string {
  const where = `${latitude},${longitude}`
  const lines = [name, address].filter((line) => line !== undefined && line !== '')
  return [`📍 ${lines.shift() ?? where}`, ...lines, ...(name || address ? [where] : [])].join('\n')
}

/** The event that a message answers. */
export function answeredBy(content: Content): string | undefined {
  const answered = (content['m.relates_to'] as Content | null | undefined)?.['m.in_reply_to'] as Content | null | undefined
  return eventIdIn(answered, 'event_id')
}

/** What an event relates to by this relation, with the relation itself. */
export function relatedBy(content: Content, relType: string): (Content & { event_id: string }) | undefined {
  const relation = content['m.relates_to'] as Content | null | undefined
  const target = relation?.['rel_type'] === relType ? eventIdIn(relation, 'event_id') : undefined
  return target === undefined ? undefined : { ...relation, event_id: target }
}

export function eventIdIn(content: Content | null | undefined, key: string): string | undefined {
  const id = content?.[key]
  return typeof id === 'string' && id.startsWith('$') && id.length <= 255 ? id : undefined
}

/** The beginning of a message, in one line, to name it by. */
export function quoteOf(content: Content): string | undefined {
  const { body } = content
  const words = (typeof body === 'string' ? withoutQuote(body) : '').replace(/\s+/g, ' ').replace(/[“”]/g, '"').trim()
  if (words === '') return undefined
  return words.length > longestQuote ? `${words.slice(0, longestQuote - 1).toWellFormed()}…` : words
}

/** Without the quote that older clients write before a reply. */
export function withoutQuote(body: string): string {
  return body.startsWith('> ') ? body.replace(/^(?:>[^\n]*\n)+\n?/, '') : body
}

/** People who are mentioned, by their names: some clients write a link into the plain text. */
function plainMentions(body: string): string {
  return body.replace(/\[([^\]\n]{1,200})\]\(https:\/\/matrix\.to\/#\/[^)\s]{1,600}\)/g, '$1')
}
