/** What stands in one column: `tone` is the colour of who said it, where the terminal has colours. */
export type Entry = { readonly text: string; readonly tone?: number }

const columns = 4
const separator = ' │ '
const fullWidth = process.stdout.columns || Number(process.env['COLUMNS']) || 120
const width = Math.max(14, Math.min(36, Math.floor((fullWidth - separator.length * (columns - 1)) / columns)))
const hasColours = process.stdout.isTTY === true && !process.env['NO_COLOR']
const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })
const tones = [35, 32, 34, 33, 90]

/** How many cells of a terminal a text takes: pictures and East Asian signs take two. */
export function cellsOf(text: string): number {
  const sizes = [...graphemes.segment(text)].map(({ segment }) =>
    /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\uffe6]/u.test(segment) ? 2 : 1,
  )
  return sizes.reduce<number>((sum, size) => sum + size, 0)
}

/** Lines of at most so many cells, broken between words; a word that is too long is broken itself. All but the first are indented. */
export function wrap(text: string, cells = width): string[] {
  return text.split('\n').flatMap((paragraph, at) => wrapParagraph(paragraph, cells, at === 0 ? '' : '  '))
}

function wrapParagraph(text: string, cells: number, indent: string): string[] {
  const lines: string[] = [indent]
  for (const word of text.split(' ').flatMap((one) => pieces(one, cells - 2))) {
    const last = lines.at(-1) ?? ''
    const longer = last.trim() === '' ? last + word : `${last} ${word}`
    if (cellsOf(longer) <= cells) lines[lines.length - 1] = longer
    else lines.push(`  ${word}`)
  }
  return lines
}

function pieces(word: string, cells: number): string[] {
  if (cellsOf(word) <= cells) return [word]
  const found = ['']
  for (const { segment } of graphemes.segment(word)) {
    const last = found.at(-1) ?? ''
    if (cellsOf(last + segment) <= cells) found[found.length - 1] = last + segment
    else found.push(segment)
  }
  return found
}

function paint(text: string, tone: number | undefined): string {
  return hasColours && tone !== undefined && text !== '' ? `\u001b[${tones[tone % tones.length]}m${text}\u001b[0m` : text
}

function row(cells: readonly Entry[]): string {
  const padded = cells.map(({ text, tone }) => paint(text, tone) + ' '.repeat(Math.max(0, width - cellsOf(text))))
  return padded.join(separator).trimEnd()
}

/** The names over the columns. */
export function drawHead(titles: readonly Entry[]): void {
  const line = titles.map(() => '─'.repeat(width)).join('─┼─')
  const wrapped = titles.map(({ text, tone }) => wrap(text).map((one) => ({ text: one, ...(tone === undefined ? {} : { tone }) })))
  const height = Math.max(...wrapped.map(({ length }) => length))
  for (let at = 0; at < height; at++) process.stdout.write(`${row(wrapped.map((cells) => cells[at] ?? { text: '' }))}\n`)
  process.stdout.write(`${line}\n`)
}

/** What is new in each column, side by side; nothing when nothing is. */
export function drawLines(news: readonly (readonly Entry[])[]): void {
  const wrapped = news.map((entries) =>
    entries.flatMap(({ text, tone }) => wrap(text).map((line): Entry => (tone === undefined ? { text: line } : { text: line, tone }))),
  )
  const height = Math.max(0, ...wrapped.map((lines) => lines.length))
  for (let at = 0; at < height; at++) process.stdout.write(`${row(wrapped.map((lines) => lines[at] ?? { text: '' }))}\n`)
}

/** A line across all columns. */
export function drawNote(words: string): void {
  const lines = wrap(words, Math.min(fullWidth, (width + separator.length) * columns) - 4)
  process.stdout.write(`\n${lines.map((line) => `    ${paint(line.trim(), 4)}`).join('\n')}\n\n`)
}
