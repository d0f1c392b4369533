import { setImmediate as turn } from 'node:timers/promises'
import { Parser } from 'htmlparser2'

/** What a page tells of itself: its Open Graph properties (https://ogp.me), with what stands in for those that it lacks, and its picture's address. */
export type Page = { readonly properties: Readonly<Record<string, string>>; readonly image: string | undefined }

type Findings = {
  readonly metas: Map<string, string>
  readonly texts: { title: string; heading: string; body: string }
  imageLink: string | undefined
}

/** Parsed at a time; in between, others have their turn. */
const slice = 8 * 1024
/** The parser's work grows with the depth: what is nested deeper is not read. */
const deepest = 200
const mostMetas = 200
const mostText = 1000
const enoughText = 300
const silent = new Set([
  'script',
  'style',
  'noscript',
  'template',
  'svg',
  'nav',
  'header',
  'footer',
  'aside',
  'form',
  'button',
  'select',
  'iframe',
])
const property = /^og:[a-z][a-z0-9_:]{0,60}$/

/** Reads a page's text without holding up the process. Never throws: what is no HTML tells nothing. */
export async function readPage(text: string): Promise<Page> {
  const findings: Findings = { metas: new Map(), texts: { title: '', heading: '', body: '' }, imageLink: undefined }
  let ended = false
  const parser = createParser(findings, () => {
    ended = true
    parser.pause()
  })
  for (let at = 0; at < text.length && !ended; at += slice) {
    parser.write(text.slice(at, at + slice))
    await turn()
  }
  if (!ended) parser.end()
  return pageOf(findings)
}

function createParser(findings: Findings, end: () => void): Parser {
  const { metas, texts } = findings
  const open: string[] = []
  let silence = 0
  const place = (): keyof Findings['texts'] | undefined => {
    if (open.includes('title')) return open.includes('svg') ? undefined : 'title'
    if (silence > 0 || open.includes('head')) return undefined
    return open.includes('h1') ? 'heading' : 'body'
  }
  return new Parser({
    onopentag(name, attributes) {
      open.push(name)
      if (open.length > deepest) return end()
      if (silent.has(name)) silence++
      if (name === 'meta') readMeta(metas, attributes)
      else if (name === 'link' && /\bimage_src\b/i.test(attributes['rel'] ?? '')) findings.imageLink ??= attributes['href']
    },
    ontext(text) {
      const where = place()
      if (where && texts[where].length < mostText) texts[where] += text.slice(0, mostText)
    },
    onclosetag(name) {
      const at = open.lastIndexOf(name)
      if (at < 0) return
      for (const closed of open.splice(at)) if (silent.has(closed)) silence--
      if (!silent.has(name) && !/^(?:a|b|i|em|span|strong)$/.test(name) && texts.body !== '') texts.body += ' '
      if (name === 'head' && metas.has('og:title') && metas.has('og:description') && metas.has('og:image')) end()
    },
  })
}

/** Of several that say the same, the first counts. Some pages write `name` where Open Graph has `property`. */
function readMeta(metas: Map<string, string>, attributes: Readonly<Record<string, string>>): void {
  const name = (attributes['property'] ?? attributes['name'] ?? attributes['itemprop'])?.trim().toLowerCase()
  const content = tidy(attributes['content'] ?? '', 2 * mostText)
  if (name && content && !metas.has(name) && metas.size < mostMetas) metas.set(name, content)
}

function pageOf({ metas, texts, imageLink }: Findings): Page {
  const first = (...candidates: (string | undefined)[]) => candidates.find((one) => one !== undefined && one !== '')
  const title = first(metas.get('og:title'), metas.get('twitter:title'), tidy(texts.title), tidy(texts.heading))
  const description = first(metas.get('og:description'), metas.get('twitter:description'), metas.get('description'), summary(texts.body))
  const image = first(
    ...['og:image:secure_url', 'og:image', 'og:image:url', 'twitter:image', 'twitter:image:src'].map((name) => metas.get(name)),
    imageLink?.trim(),
    metas.get('image'),
  )
  const told = [...metas].filter(([name]) => property.test(name) && !name.startsWith('og:image'))
  const properties = Object.fromEntries(told)
  if (title) properties['og:title'] = tidy(title)
  if (description) properties['og:description'] = tidy(description)
  return { properties, image }
}

/** Text on one line, without control characters, at most so many letters. */
function tidy(text: string, most = mostText): string {
  const line = text
    .toWellFormed()
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  return line.length > most ? `${line.slice(0, most - 1).toWellFormed()}…` : line
}

/** The beginning of the page's text, up to the end of a word. */
function summary(text: string): string {
  const line = tidy(text)
  if (line.length <= enoughText) return line
  const cut = line.lastIndexOf(' ', enoughText)
  return `${line.slice(0, cut > enoughText / 2 ? cut : enoughText)}…`
}
