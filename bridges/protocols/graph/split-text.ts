/** Length as the networks count characters; UTF-16 units, which is never fewer than they count. */
export function countChars(text: string): number {
  return text.length
}

/** Length in bytes of UTF-8 (Instagram). */
export function countBytes(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })

/**
 * Cuts a text into parts of at most `limit` as `measure` counts, whose concatenation is the text. A part ends after white space when some stands in
 * its second half, otherwise between two graphemes; only a grapheme that alone exceeds the limit is cut, between code points. Throws a RangeError
 * for a limit below 4 (the bytes of one code point).
 */
export function splitText(text: string, limit: number, measure: (text: string) => number): string[] {
  if (!(limit >= 4)) throw new RangeError('the limit must be at least 4')
  if (measure(text) <= limit) return [text]
  const parts: string[] = []
  let part = ''
  let size = 0
  let breakAt = 0
  for (const grapheme of piecesOf(text, limit, measure)) {
    const length = measure(grapheme)
    while (size + length > limit) {
      const cut = measure(part.slice(0, breakAt)) * 2 >= limit ? breakAt : part.length
      parts.push(part.slice(0, cut))
      part = part.slice(cut)
      size = measure(part)
      breakAt = 0
    }
    part += grapheme
    size += length
    if (/^\s+$/u.test(grapheme)) breakAt = part.length
  }
  return part === '' ? parts : [...parts, part]
}

function* piecesOf(text: string, limit: number, measure: (text: string) => number): Generator<string> {
  for (const { segment } of graphemes.segment(text)) {
    if (measure(segment) <= limit) yield segment
    else yield* segment
  }
}
