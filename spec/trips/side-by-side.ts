const columns = 4
const width = Math.max(20, Math.min(36, Math.floor(((process.stdout.columns || 132) - 3 * (columns - 1)) / columns)))
const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** How many cells of a terminal a text takes: pictures and East Asian signs take two. */
function cellsOf(text: string): number {
  const sizes = [...graphemes.segment(text)].map(({ segment }) =>
    /\p{Extended_Pictographic}|[\u1100-\u115f\u2e80-\uffe6]/u.test(segment) ? 2 : 1,
  )
  return sizes.reduce<number>((sum, size) => sum + size, 0)
}

function wrap(text: string): string[] {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    const longer = last === '' ? word : `${last} ${word}`
    if (cellsOf(longer) <= width || last === '') lines[lines.length - 1] = longer
    else lines.push(`  ${word}`)
  }
  return lines
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell) => cell + ' '.repeat(Math.max(0, width - cellsOf(cell))))
    .join(' │ ')
    .trimEnd()
}

/** The names over the columns. */
export function drawHead(titles: readonly string[]): void {
  const line = titles.map(() => '─'.repeat(width)).join('─┼─')
  process.stdout.write(`${row(titles)}\n${line}\n`)
}

/** What is new in each column, side by side; nothing when nothing is. */
export function drawLines(news: readonly (readonly string[])[]): void {
  const wrapped = news.map((lines) => lines.flatMap(wrap))
  const height = Math.max(0, ...wrapped.map((lines) => lines.length))
  for (let at = 0; at < height; at++) process.stdout.write(`${row(wrapped.map((lines) => lines[at] ?? ''))}\n`)
}

/** A line across all columns. */
export function drawNote(words: string): void {
  process.stdout.write(`\n    ${words}\n\n`)
}
