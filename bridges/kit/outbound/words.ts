type Content = Readonly<Record<string, unknown>>

const longestText = 65_536
const longestQuote = 100

/** The words of a text message; undefined for other kinds and for empty ones. */
export function textOf(content: Content): string | undefined {
  const { msgtype, body } = content
  if (typeof body !== 'string') return undefined
  const text = plainMentions(answeredBy(content) === undefined ? body : withoutQuote(body))
    .slice(0, longestText)
    .toWellFormed()
  if (text.trim() === '') return undefined
  if (msgtype === 'm.emote') return `* ${text}`
  if (msgtype === 'm.location') return placeText(content, text)
  return msgtype === 'm.text' ? text : undefined
}

/** A place in words, with its coordinates. */
function placeText({ geo_uri: uri }: Content, text: string): string | undefined {
  const where = typeof uri === 'string' ? /^geo:(-?\d{1,3}(?:\.\d{1,15})?,-?\d{1,3}(?:\.\d{1,15})?)/.exec(uri)?.[1] : undefined
  if (where === undefined) return undefined
  return text.includes(where) ? `📍 ${text.replace(/^📍 /u, '')}` : `📍 ${text.replace(/^📍 /u, '')}\n${where}`
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
function withoutQuote(body: string): string {
  return body.startsWith('> ') ? body.replace(/^(?:>[^\n]*\n)+\n?/, '') : body
}

/** People who are mentioned, by their names: some clients write a link into the plain text. */
function plainMentions(body: string): string {
  return body.replace(/\[([^\]\n]{1,200})\]\(https:\/\/matrix\.to\/#\/[^)\s]{1,600}\)/g, '$1')
}
