import { Parser } from 'htmlparser2'
import type { Mark, Run } from './connector.ts'

const marksOf: ReadonlyMap<string, Mark> = new Map([
  ...(['b', 'strong', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6'] as const).map((tag) => [tag, 'bold'] as const),
  ...(['i', 'em'] as const).map((tag) => [tag, 'italic'] as const),
  ...(['s', 'del', 'strike'] as const).map((tag) => [tag, 'strike'] as const),
  ...(['code', 'pre', 'tt'] as const).map((tag) => [tag, 'code'] as const),
])
const blocks = new Set(['p', 'div', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'li', 'pre', 'blockquote', 'table', 'tr', 'hr'])
const longestHtml = 65_536
const deepest = 100

/** The `formatted_body` of a message as text with marks; undefined where it says no more than its plain body. https://spec.matrix.org/v1.19/client-server-api/#mroommessage-msgtypes */
export function readHtml(html: string): readonly Run[] | undefined {
  const runs = readRuns(html)
  return runs?.some(({ marks }) => marks.length > 0) ? runs : undefined
}

/** The same with what bears no marks; people who are linked to are called what `nameOf` says. Undefined for what is too long or too deep. */
export function readRuns(html: string, nameOf?: (userId: string, shown: string) => string): readonly Run[] | undefined {
  if (html.length > longestHtml) return undefined
  const reader = createReader(nameOf)
  const parser: Parser = new Parser(
    {
      onopentag(tag, attributes) {
        if (reader.open(tag, attributes) > deepest) parser.pause()
      },
      onclosetag: reader.close,
      ontext: reader.text,
    },
    { decodeEntities: true },
  )
  parser.end(html)
  if (reader.depth() > deepest) return undefined
  return trimmed(reader.runs)
}

/** Whom a link leads to; undefined when it is not somebody. https://spec.matrix.org/v1.19/appendices/#uris */
export function userLinked(href: string | undefined): string | undefined {
  const [, id] = /^(?:https:\/\/matrix\.to\/#\/|matrix:u\/)([^?]{1,600})/.exec(href ?? '') ?? []
  try {
    const userId = id === undefined ? undefined : decodeURIComponent(href?.startsWith('matrix:') ? `@${id}` : id)
    return userId && /^@[^:\s]{1,200}:\S{1,230}$/.test(userId) ? userId : undefined
  } catch {
    return undefined
  }
}

function createReader(nameOf?: (userId: string, shown: string) => string) {
  const runs: Run[] = []
  const open: { tag: string; mark?: Mark | undefined; count?: number; link?: string | undefined; from: number }[] = []
  let hidden = 0
  let starts = true
  const add = (text: string, plain = false) => {
    if (text === '' || hidden > 0) return
    const marks = plain ? [] : [...new Set(open.flatMap(({ mark }) => mark ?? []))]
    runs.push({ text, marks })
    starts = text.endsWith('\n')
  }
  const line = () => {
    if (!starts) add('\n', true)
  }
  return {
    runs,
    depth: () => open.length,
    /** Gives how deep it is. */
    open(tag: string, attributes: Readonly<Record<string, string>>): number {
      if (tag === 'mx-reply') hidden++
      if (tag === 'br') add('\n', true)
      if (blocks.has(tag)) line()
      const list = open.findLast((one) => one.tag === 'ol' || one.tag === 'ul')
      if (tag === 'li' && list) {
        list.count = (list.count ?? 0) + 1
        add(list.tag === 'ol' ? `${list.count}. ` : '- ', true)
      }
      if (tag === 'blockquote') add('> ', true)
      return open.push({ tag, mark: marksOf.get(tag), link: tag === 'a' ? attributes['href'] : undefined, from: runs.length })
    },
    text(text: string) {
      const inCode = open.some(({ tag }) => tag === 'pre')
      add(inCode ? text : starts ? text.replace(/\s+/g, ' ').trimStart() : text.replace(/\s+/g, ' '))
    },
    close(tag: string) {
      if (tag === 'mx-reply') hidden--
      const at = open.findLastIndex((one) => one.tag === tag)
      const [closed] = at < 0 ? [] : open.splice(at)
      const { link } = closed ?? {}
      const userId = nameOf ? userLinked(link) : undefined
      if (closed && nameOf && userId !== undefined) {
        const shown = runs.splice(closed.from).map(({ text }) => text)
        add(nameOf(userId, shown.join('')))
      }
      if (closed && link !== undefined && /^https?:\/\//.test(link) && !link.startsWith('https://matrix.to/')) {
        const words = runs
          .slice(closed.from)
          .map(({ text }) => text)
          .join('')
        if (words.trim() !== link) add(` (${link})`)
      }
      if (blocks.has(tag)) line()
    },
  }
}

/** Without the white space around it all. */
function trimmed(runs: readonly Run[]): Run[] {
  const first = runs.findIndex(({ text }) => text.trim() !== '')
  const last = runs.findLastIndex(({ text }) => text.trim() !== '')
  return runs.slice(first, last + 1).map(({ text, marks }, at, { length }) => {
    const begun = at === 0 ? text.trimStart() : text
    return { text: at === length - 1 ? begun.trimEnd() : begun, marks }
  })
}

const tags: Readonly<Record<Mark, string>> = { bold: 'strong', italic: 'em', strike: 'del', code: 'code' }

/** Text with marks as a `formatted_body`. */
export function writeHtml(runs: readonly Run[]): string {
  return runs
    .map(({ text, marks }) => marks.reduceRight((inner, mark) => `<${tags[mark]}>${inner}</${tags[mark]}>`, escapeHtml(text)))
    .join('')
}

/** A text as it stands in HTML. */
export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\n': '<br>' }
  return text.replace(/[&<>"\n]/g, (sign) => entities[sign] ?? sign)
}
