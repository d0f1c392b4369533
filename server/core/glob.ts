/**
 * Glob-style matching without regular expressions: every part of a pattern is looked for once, so that no pattern can make it slow.
 * https://spec.matrix.org/v1.19/appendices/#glob-style-matching
 */
export type Glob = (text: string) => boolean

export type GlobOptions = {
  readonly ignoreCase?: boolean
  /** Match any part of the text that begins and ends at a word boundary, rather than the whole text. */
  readonly words?: boolean
  /** Take `?` for itself. */
  readonly onlyStar?: boolean
}

/** Longer patterns match nothing: what they could be meant for (ids, types, words) is no longer than this. */
export const maxPatternLength = 255

/** Stands for `?` in a pattern made ready: a code point that is no character. */
const anyOne = '\uffff'
const never: Glob = () => false

/** Makes a matcher of a pattern: `*` stands for any characters, `?` for exactly one. */
export function compileGlob(pattern: string, options: GlobOptions = {}): Glob {
  if (pattern.length > maxPatternLength) return never
  const cased = options.ignoreCase ? pattern.toLowerCase() : pattern
  const parts = (options.onlyStar ? cased : cased.replaceAll('?', anyOne)).split('*')
  const matches = options.words ? findWords(parts) : matchWhole(parts)
  return options.ignoreCase ? (text) => matches(text.toLowerCase()) : matches
}

function matchWhole(parts: string[]): Glob {
  const first = parts[0]!
  const last = parts.at(-1)!
  const middle = parts.slice(1, -1).filter((part) => part !== '')
  if (parts.length === 1) return first.includes(anyOne) ? (text) => matchAt(text, 0, first) === text.length : (text) => text === first
  return (text) => {
    const start = matchAt(text, 0, first)
    const rest = start < 0 ? -1 : findAll(text, start, middle)
    return rest >= 0 && findEnd(text, rest, last, (end) => end === text.length)
  }
}

function findWords(parts: string[]): Glob {
  const first = parts[0]!
  const last = parts.at(-1)!
  const middle = parts.slice(1, -1).filter((part) => part !== '')
  return (text) => {
    for (let from = 0; from <= text.length; from++) {
      if (!isBoundary(text, from)) continue
      const start = matchAt(text, from, first)
      if (start < 0) continue
      if (parts.length === 1) {
        if (isBoundary(text, start)) return true
        continue
      }
      // Another beginning further on could only leave less for the parts that follow.
      const rest = findAll(text, start, middle)
      return rest >= 0 && findEnd(text, rest, last, (end) => isBoundary(text, end))
    }
    return false
  }
}

/** Where the text goes on after `part` at `from`; -1 if it isn't there. */
function matchAt(text: string, from: number, part: string): number {
  let at = from
  for (let index = 0; index < part.length; index++) {
    if (at >= text.length) return -1
    if (part[index] === anyOne) at += text.codePointAt(at)! > 0xffff ? 2 : 1
    else if (text.charCodeAt(at++) !== part.charCodeAt(index)) return -1
  }
  return at
}

/** Where the text goes on after the first occurrence of `part` at or behind `from`. */
function find(text: string, from: number, part: string): number {
  if (!part.includes(anyOne)) {
    const at = text.indexOf(part, from)
    return at < 0 ? -1 : at + part.length
  }
  for (let at = from; at <= text.length; at++) {
    const end = matchAt(text, at, part)
    if (end >= 0) return end
  }
  return -1
}

function findAll(text: string, from: number, parts: readonly string[]): number {
  let at = from
  for (const part of parts) {
    at = find(text, at, part)
    if (at < 0) return -1
  }
  return at
}

function findEnd(text: string, from: number, part: string, isEnd: (end: number) => boolean): boolean {
  if (part === '') return true
  for (let at = from; at <= text.length - part.length; at++) {
    const end = matchAt(text, at, part)
    if (end >= 0 && isEnd(end)) return true
  }
  return false
}

/** "the start or end of the value, or any character not in the sets [A-Z], [a-z], [0-9] or _" */
function isBoundary(text: string, at: number): boolean {
  return at === 0 || at === text.length || !isWord(text.charCodeAt(at - 1)) || !isWord(text.charCodeAt(at))
}

function isWord(unit: number): boolean {
  return (unit >= 97 && unit <= 122) || (unit >= 65 && unit <= 90) || (unit >= 48 && unit <= 57) || unit === 95
}
