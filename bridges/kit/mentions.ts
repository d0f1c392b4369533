import type { Run } from './connector.ts'
import type { Kit } from './kit.ts'
import type { Member } from './matrix/side.ts'
import { fitName, networkOfGhost } from './names.ts'
import { answeredBy, relatedBy } from './outbound/words.ts'
import { escapeHtml, readRuns, userLinked, writeHtml } from './rich-text.ts'

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
  const { format, formatted_body: formatted, body } = content
  const html = format === 'org.matrix.custom.html' && typeof formatted === 'string' ? formatted : ''
  if (typeof body !== 'string' || !isAnybodyIn(body, html)) return content
  const nameOf = namesFor(await matrix.members(room), matrix.botUserId)
  const runs = html === '' ? undefined : readRuns(html, (userId, shown) => nameOf(userId, shown) ?? shown)
  if (!runs) return { ...content, body: spell(body, nameOf) }
  const spelt = spellRuns(runs, nameOf)
  return { ...content, body: textOf(spelt), formatted_body: writeHtml(spelt) }
}

/** What to call somebody, given what a link calls them; undefined for what only looks like an id. */
type NameOf = (userId: string, shown?: string) => string | undefined

function isAnybodyIn(body: string, html: string): boolean {
  let found = false
  const look = () => {
    found = true
    return ''
  }
  spell(body, look)
  if (!found && html !== '') spell(textOf(readRuns(html, look) ?? []), look)
  return found
}

const mostPeople = 500

function namesFor(members: readonly Member[], botUserId: string): NameOf {
  const names = new Map(members.map(({ userId, name }) => [userId, name]))
  const servers = new Set([botUserId, ...names.keys()].map(serverOf))
  const called = new Map<string, string>()
  return (userId, shown) => {
    if (shown === undefined && !servers.has(serverOf(userId)) && !looksLikeServer.test(serverOf(userId))) return undefined
    const key = `${userId} ${shown ?? ''}`
    const known = called.get(key)
    if (known !== undefined || called.size >= mostPeople) return known ?? 'somebody'
    const name = fitName(names.get(userId)) ?? shownAs(shown ?? '') ?? localpartOf(userId)
    called.set(key, name)
    return name
  }
}

const looksLikeServer = /(?:\.[a-z][a-z0-9-]*|^\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?$/i

function serverOf(userId: string): string {
  return userId.slice(userId.indexOf(':') + 1)
}

const markdownLink = /\[([^\]\n]{1,200})\]\(((?:https:\/\/matrix\.to\/#\/|matrix:)[^)\s]{1,600})\)/g
const bareLink = /(?:https:\/\/matrix\.to\/#\/|matrix:u\/)[^\s<>()[\]"]{1,600}(?<![.,;:!?])/g

function spell(text: string, nameOf: NameOf): string {
  const linked = (link: string, shown: string) => {
    const userId = userLinked(link)
    return userId === undefined ? undefined : nameOf(userId, shown)
  }
  return text
    .replace(markdownLink, (_, words: string, link: string) => linked(link, words) ?? words)
    .replace(bareLink, (link) => linked(link, '') ?? link)
    .replace(idPattern, (id) => nameOf(id) ?? id)
}

/** An id that goes over from one run into the next takes the marks with it. */
function spellRuns(runs: readonly Run[], nameOf: NameOf): readonly Run[] {
  const joined: Run[] = []
  for (const run of runs) {
    const last = joined.at(-1)
    if (last?.marks.join() === run.marks.join()) joined.splice(-1, 1, { ...run, text: last.text + run.text })
    else joined.push(run)
  }
  const spelt = joined.map((run) => ({ ...run, text: spell(run.text, nameOf) }))
  const whole = spell(textOf(joined), nameOf)
  return textOf(spelt) === whole ? spelt : [{ text: whole, marks: [] }]
}

function textOf(runs: readonly Run[]): string {
  return runs.map(({ text }) => text).join('')
}

/** What a link calls somebody who is not in the room, unless it is an id. */
function shownAs(words: string): string | undefined {
  return words.startsWith('@') || words.includes(':') ? undefined : fitName(words)
}

/** What somebody is called whose name is not to be had; a ghost's id says nothing. */
function localpartOf(userId: string): string {
  if (networkOf(userId)) return 'somebody'
  return fitName(userId.slice(1, userId.indexOf(':'))) ?? 'somebody'
}

function networkOf(userId: string): boolean {
  return networkOfGhost(userId, serverOf(userId)) !== undefined || /^@_[a-z]+_[a-z2-7]{26}:/.test(userId)
}
