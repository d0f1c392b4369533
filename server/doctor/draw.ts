import { styleText } from 'node:util'
import type { Finding, Level } from './finding.ts'

/** How findings are shown: to a person at a terminal, or as plain lines. */
export type Look = { readonly colours: boolean; readonly width: number }

const signs: Readonly<Record<Level, string>> = { ok: '✓', attention: '!', wrong: '✗', skipped: '–' }
const words: Readonly<Record<Level, string>> = { ok: 'ok', attention: 'attention', wrong: 'wrong', skipped: 'not seen' }
const styles = { ok: 'green', attention: 'yellow', wrong: 'red', skipped: 'gray' } as const
const checkWidth = 18

export function drawTitle(title: string, { colours }: Look): string {
  return colours ? styleText('bold', title, { validateStream: false }) : title
}

/** One line of what was found, and below it what to change. */
export function drawFinding(finding: Finding, look: Look): string[] {
  const { check, level } = finding
  const found = printable(finding.words)
  const sign = look.colours ? signs[level] : words[level].padEnd(9)
  const begin = `  ${sign} ${check.padEnd(checkWidth)} `
  const indent = ' '.repeat(begin.length)
  const lines = wrap(found, look.width - begin.length).map((line, at) => (at === 0 ? begin : indent) + line)
  const shown = look.colours ? lines.map((line) => (level === 'skipped' ? paint('gray', line) : line)) : lines
  const [first = '', ...rest] = shown
  const coloured = look.colours && level !== 'skipped' ? first.replace(sign, paint(styles[level], sign)) : first
  return [coloured, ...rest, ...finding.advice.flatMap((line) => drawAdvice(printable(line), indent, look))]
}

/** What other servers say must not steer a terminal: no control characters, and none that turn the direction of writing. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd')
}

/** What is to be written as it stands is not broken. */
function drawAdvice(line: string, indent: string, look: Look): string[] {
  const room = look.width - indent.length - 2
  if (line.startsWith('  ')) return [`${indent}${look.colours ? paint('cyan', line) : line}`]
  return wrap(line, room).map((part, at) => `${indent}${at === 0 ? '→ ' : '  '}${part}`)
}

function paint(style: 'green' | 'yellow' | 'red' | 'gray' | 'cyan', text: string): string {
  return styleText(style, text, { validateStream: false })
}

/** How many of each. */
export function countLevels(findings: readonly Finding[]): Readonly<Record<Level, number>> {
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length
  return { ok: count('ok'), attention: count('attention'), wrong: count('wrong'), skipped: count('skipped') }
}

export function drawSummary(findings: readonly Finding[], look: Look): string {
  const count = countLevels(findings)
  const parts = [`${count.ok} ok`, `${count.attention} for your attention`, `${count.wrong} wrong`]
  const ending = count.wrong > 0 ? 'Change what is wrong first, from above to below.' : count.attention > 0 ? 'It works.' : 'All is well.'
  return drawTitle(`${parts.join(', ')}. ${ending}`, look)
}

/** Breaks at spaces; a word that is longer than a line stays whole. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
