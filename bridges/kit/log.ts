import type { Log, LogLevel } from './kit.ts'

const levels: readonly string[] = ['error', 'warn', 'info', 'debug'] satisfies LogLevel[]
// Tokens of Meta, and what may be a phone number or a message id that holds one.
const secrets = /\bEAA[A-Za-z0-9]{20,}|\bwamid\.[\w=+/]+|\+?\d[\d\s().-]{6,}\d/g

/** Writes a line an event, from `level` upwards. What looks like a token or a number is struck out, wherever it came from. */
export function createLog(level: string, write: (line: string) => void): Log {
  const least = Math.max(0, levels.indexOf(level))
  return (of, words, facts = {}) => {
    if (levels.indexOf(of) > least) return
    const told = Object.entries(facts).filter(([, value]) => value !== undefined)
    const line = [words, ...told.map(([key, value]) => `${key}=${typeof value === 'string' ? JSON.stringify(value) : value}`)].join(' ')
    write(`${new Date().toISOString()} ${of} ${line.replace(secrets, '…').replace(/[\r\n]+/g, ' ')}\n`)
  }
}
