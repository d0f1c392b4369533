import type { Kit } from './kit.ts'
import type { Member } from './matrix/side.ts'
import { fitName, networkOfGhost } from './names.ts'
import { answeredBy, relatedBy } from './outbound/words.ts'
import { escapeHtml, pillsIn, readRuns, writeHtml } from './rich-text.ts'

type Content = Readonly<Record<string, unknown>>
type Said = { readonly room: string; readonly sender: string; readonly type: string; readonly content: Content }

const idPattern = /(?<![\p{L}\p{N}._%+-])@[a-z0-9._=/+-]{1,200}:[a-z0-9.-]{1,200}(?::\d{1,5})?(?<![.-])/giu
const bot = /^@_[a-z]+_bot:/
const nobody: Names = { userIds: new Map(), lengths: [] }

/**
 * A message of a bridge with those whom it means: whoever wrote what it answers, and members of the room whom it names after an `@`.
 * https://spec.matrix.org/v1.19/client-server-api/#user-and-room-mentions
 */
export async function withMentions({ matrix }: Pick<Kit, 'matrix'>, { room, sender, type, content }: Said): Promise<Content> {
  if (type !== 'm.room.message' && type !== 'm.sticker') return content
  const answered = relatedBy(content, 'm.replace') ? undefined : answeredBy(content)
  const author = answered === undefined ? undefined : (await matrix.event(room, answered))?.sender
  const meant = author === undefined || author === sender || bot.test(author) ? [] : [author]
  const written = content['m.new_content'] as Content | undefined
  const mayName = isWords(content) && /(?<![\p{L}\p{N}._-])@\S/u.test(String(content['body']))
  const names = mayName ? namesOf(await matrix.members(room), sender) : nobody
  const said = written ? { ...content, 'm.new_content': linkNames(written, names, []) } : content
  return linkNames(said, written ? nobody : names, meant)
}

/** Somebody's own words: a text, or a caption. */
function isWords({ msgtype, body, filename }: Content): boolean {
  return typeof body === 'string' && (msgtype === 'm.text' || (typeof filename === 'string' && filename !== body))
}

/** Who is called what, in lower case, and how long such names are, the longest first. */
type Names = { readonly userIds: ReadonlyMap<string, string>; readonly lengths: readonly number[] }

/** Who is called what in a room; a name of two people means neither. */
function namesOf(members: readonly Member[], sender: string): Names {
  const userIds = new Map<string, string>()
  const unclear = new Set<string>()
  const lengths: number[] = []
  for (const { userId, name } of members) {
    if (userId === sender || bot.test(userId)) continue
    for (const one of [fitName(name), networkOf(userId) ? undefined : localpartOf(userId)]) {
      if (one === undefined) continue
      const key = one.toLowerCase()
      lengths.push(one.length)
      if ((userIds.get(key) ?? userId) !== userId) unclear.add(key)
      userIds.set(key, userId)
    }
  }
  for (const name of unclear) userIds.delete(name)
  return { userIds, lengths: longFirst(lengths) }
}

function longFirst(lengths: readonly number[]): readonly number[] {
  return [...new Set(lengths)].sort((a, b) => b - a)
}

function linkNames(content: Content, names: Names, meant: readonly string[]): Content {
  const body = String(content['body'] ?? '')
  const found = isWords(content) ? namedIn(body, names, mostNamed) : []
  const users = [...new Set([...meant, ...found.map(({ userId }) => userId)])]
  const mentions = { 'm.mentions': users.length > 0 ? { user_ids: users } : {} }
  if (found.length === 0) return { ...content, ...mentions }
  const html = typeof content['formatted_body'] === 'string' ? content['formatted_body'] : escapeHtml(body)
  return { ...content, ...mentions, format: 'org.matrix.custom.html', formatted_body: linkIn(html, found) }
}

/** Links the names in the text of our own HTML, of which the tags bear no attributes. */
function linkIn(html: string, found: readonly Found[]): string {
  const written = found.map(({ name, userId }) => ({ name: escapeHtml(name), userId }))
  const userIds = new Map(written.map(({ name, userId }) => [name.toLowerCase(), userId]))
  const names = { userIds, lengths: longFirst(written.map(({ name }) => name.length)) }
  let left = mostNamed
  const pieces = html.split(/(<[^<>]*>)/).map((piece) => {
    if (piece.startsWith('<')) return piece
    const those = namedIn(piece, names, left)
    left -= those.length
    return those.reduceRight((text, { at, name, userId }) => {
      const link = `<a href="https://matrix.to/#/${encodeURI(userId)}">${name}</a>`
      return text.slice(0, at) + link + text.slice(at + 1 + name.length)
    }, piece)
  })
  return pieces.join('')
}

const mostNamed = 200
const mostSigns = 400
type Found = { readonly at: number; readonly name: string; readonly userId: string }

/** Where people are named after an `@`, as it is written there: by the longest of the names that stand there. */
function namedIn(text: string, names: Names, most: number): Found[] {
  const found: Found[] = []
  const signs = text.matchAll(/(?<![\p{L}\p{N}@._-])@(?=\S)/gu)
  for (const { index: at } of signs.take(mostSigns)) {
    if (found.length >= most) break
    const one = nameAt(text, at + 1, names)
    if (one) found.push({ at, ...one })
  }
  return found
}

function nameAt(text: string, from: number, { userIds, lengths }: Names): Omit<Found, 'at'> | undefined {
  for (const length of lengths) {
    const name = text.slice(from, from + length)
    const userId = userIds.get(name.toLowerCase())
    if (userId !== undefined && name.length === length && !/^[\p{L}\p{N}]/u.test(text.slice(from + length, from + length + 2)))
      return { name, userId }
  }
  return undefined
}

/**
 * A message of somebody in a room as people elsewhere can read it: whoever is meant goes by the name that they have in the room, and by no Matrix id or
 * number. Links to people lose their address.
 */
export async function withNames({ matrix }: Pick<Kit, 'matrix'>, room: string, content: Content): Promise<Content> {
  const html =
    content['format'] === 'org.matrix.custom.html' && typeof content['formatted_body'] === 'string' ? content['formatted_body'] : ''
  const body = typeof content['body'] === 'string' ? content['body'] : undefined
  const pills = html.includes('matrix.to') ? pillsIn(html) : []
  const linked = [...(body ?? '').matchAll(markdownPill)].flatMap(([, , id]) => (id === undefined ? [] : [decoded(id)]))
  const written = (body ?? '').match(idPattern) ?? []
  if (body === undefined || pills.length + linked.length + written.length === 0) return content
  const members = new Map((await matrix.members(room)).map(({ userId, name }) => [userId, name]))
  const nameOf = (userId: string, shown = '') => fitName(members.get(userId)) ?? shownAs(shown) ?? localpartOf(userId)
  const spell = (text: string) =>
    text
      .replace(markdownPill, (_, words: string, id: string) =>
        id.startsWith('@') || /^%40/i.test(id) ? nameOf(decoded(id), words) : words,
      )
      .replace(idPattern, (id) => (members.has(id) ? nameOf(id) : id))
  const runs = pills.length > 0 ? readRuns(html, nameOf) : undefined
  if (!runs) return { ...content, body: spell(body) }
  const spelt = runs.map((run) => ({ ...run, text: spell(run.text) }))
  return { ...content, body: spelt.map(({ text }) => text).join(''), formatted_body: writeHtml(spelt) }
}

/** What a link calls somebody who is not in the room, unless it is an id. */
function shownAs(words: string): string | undefined {
  return words.startsWith('@') || words.includes(':') ? undefined : fitName(words)
}

const markdownPill = /\[([^\]\n]{1,200})\]\(https:\/\/matrix\.to\/#\/([^)\s]{1,600})\)/g

function decoded(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}

/** What somebody is called whose name is not to be had; a ghost's id says nothing. */
function localpartOf(userId: string): string {
  if (networkOf(userId)) return 'somebody'
  return fitName(userId.slice(1, userId.indexOf(':'))) ?? 'somebody'
}

function networkOf(userId: string): boolean {
  return networkOfGhost(userId, userId.slice(userId.indexOf(':') + 1)) !== undefined || /^@_[a-z]+_[a-z2-7]{26}:/.test(userId)
}
