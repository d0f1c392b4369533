export type Level = 'error' | 'warn' | 'info' | 'debug'
/** What goes with a line: names and plain values, never a token, a password, a body or a message's content. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>

/** What the server says about itself, one line at a time. */
export type Log = {
  readonly error: (words: string, fields?: Fields) => void
  readonly warn: (words: string, fields?: Fields) => void
  readonly info: (words: string, fields?: Fields) => void
  readonly debug: (words: string, fields?: Fields) => void
  /** Whether a line of this level is written at all; asked before fields are made on a hot path. */
  readonly writes: (level: Level) => boolean
  /** Hands over what is still buffered. */
  readonly flush: () => void
}

const ranks: Readonly<Record<Level, number>> = { error: 0, warn: 1, info: 2, debug: 3 }

/** Makes a log. `write` gets whole lines, several at once; they are gathered for the length of a turn of the event loop. */
export function createLog({
  level,
  format,
  write = (text) => void process.stderr.write(text),
  now = Date.now,
}: {
  level: Level
  format: 'text' | 'json'
  write?: (text: string) => void
  now?: () => number
}): Log {
  let buffered = ''
  const flush = () => {
    const text = buffered
    buffered = ''
    if (text) write(text)
  }
  const line = format === 'json' ? jsonLine : textLine
  const at = (of: Level) =>
    ranks[of] > ranks[level]
      ? () => {}
      : (words: string, fields?: Fields) => {
          if (!buffered) setImmediate(flush)
          buffered += line(new Date(now()).toISOString(), of, words, fields)
        }
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug'), writes: (of) => ranks[of] <= ranks[level], flush }
}

/** What may be said of an unexpected error: its kind, its words and where it came from. */
export function errorFields(error: unknown): Fields {
  if (!(error instanceof Error)) return { error: String(error) }
  const where = error.stack
    ?.split('\n')
    .slice(1, 5)
    .map((frame) => frame.trim().replace(/file:\/\/\S*\/(?=(?:server|bridges|config|spec)\/)/, ''))
  return { error: `${error.name}: ${error.message}`, ...(where?.length ? { where: where.join(' < ') } : {}) }
}

function jsonLine(time: string, level: Level, words: string, fields?: Fields): string {
  return JSON.stringify({ time, level, words, ...fields }) + '\n'
}

function textLine(time: string, level: Level, words: string, fields: Fields = {}): string {
  let line = `${time} ${level.padEnd(5)} ${oneLine(words)}`
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) line += ` ${name}=${oneLine(String(value))}`
  return line + '\n'
}

/** Nobody writes lines of their own into the log. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => JSON.stringify(character).slice(1, -1))
}
