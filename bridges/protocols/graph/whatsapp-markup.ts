/** A piece of a text with the marks that it bears. */
export interface MarkedText {
  text: string
  marks: readonly WhatsappMark[]
}
export type WhatsappMark = 'bold' | 'italic' | 'strike' | 'code'

const signs: readonly (readonly [WhatsappMark, string])[] = [
  ['code', '```'],
  ['bold', '*'],
  ['italic', '_'],
  ['strike', '~'],
]
const mostDepth = 4

/**
 * The marks that WhatsApp shows in a text: `*bold*`, `_italic_`, `~struck~` and ```` ```code``` ```` (also `` `code` ``). A sign opens at the start of
 * a word and closes at its end, on one line; inside code nothing counts. Undefined where nothing bears a mark.
 */
export function readMarkup(text: string): MarkedText[] | undefined {
  const runs = readRuns(text, [])
  return runs.some(({ marks }) => marks.length > 0) ? runs : undefined
}

const marked = new RegExp(
  [
    String.raw`\x60{3}(?=\S)(?<block>[^\x60]+)\x60{3}`,
    String.raw`\x60(?=\S)(?<code>[^\x60\n]+)\x60`,
    String.raw`(?<![\p{L}\p{N}*])\*(?=[^\s*])(?<bold>[^\n*]*[^\s*])\*(?![\p{L}\p{N}*])`,
    String.raw`(?<![\p{L}\p{N}_])_(?=[^\s_])(?<italic>[^\n_]*[^\s_])_(?![\p{L}\p{N}_])`,
    String.raw`(?<![\p{L}\p{N}~])~(?=[^\s~])(?<strike>[^\n~]*[^\s~])~(?![\p{L}\p{N}~])`,
  ].join('|'),
  'gu',
)

function readRuns(text: string, marks: readonly WhatsappMark[]): MarkedText[] {
  const runs: MarkedText[] = []
  let from = 0
  for (const { index, 0: whole, groups = {} } of marks.length < mostDepth ? text.matchAll(marked) : []) {
    if (index > from) runs.push({ text: text.slice(from, index), marks })
    from = index + whole.length
    const code = groups['block'] ?? groups['code']
    const mark = (['bold', 'italic', 'strike'] as const).find((one) => groups[one] !== undefined)
    if (code !== undefined) runs.push({ text: code, marks: [...marks, 'code'] })
    else if (mark) runs.push(...readRuns(groups[mark] ?? '', [...marks, mark]))
  }
  return from < text.length ? [...runs, { text: text.slice(from), marks }] : runs
}

/** Writes marks as WhatsApp shows them: each line for itself, with white space left outside, for only so they are seen as marks. */
export function writeMarkup(runs: readonly MarkedText[]): string {
  return writeRuns(runs, [])
}

function writeRuns(runs: readonly MarkedText[], written: readonly WhatsappMark[]): string {
  let text = ''
  for (let at = 0; at < runs.length; ) {
    const sign = signs.find(([mark]) => !written.includes(mark) && runs[at]?.marks.includes(mark))
    const end = sign ? endOfMark(runs, at, sign[0]) : at + 1
    const group = runs.slice(at, end)
    if (sign?.[0] === 'code') text += fence(group.map((run) => run.text).join(''))
    else text += sign ? wrap(writeRuns(group, [...written, sign[0]]), sign[1]) : (group[0]?.text ?? '')
    at = end
  }
  return text
}

function endOfMark(runs: readonly MarkedText[], from: number, mark: WhatsappMark): number {
  let end = from + 1
  while (runs[end]?.marks.includes(mark)) end++
  return end
}

function fence(text: string): string {
  return text.trim() === '' || text.includes('```') ? text : `\`\`\`${text}\`\`\``
}

function wrap(text: string, sign: string): string {
  const lines = text.split('\n').map((line) => {
    const inner = line.trim()
    if (inner === '' || inner.includes(sign)) return line
    const start = line.indexOf(inner)
    return `${line.slice(0, start)}${sign}${inner}${sign}${line.slice(start + inner.length)}`
  })
  return lines.join('\n')
}
