import { MediaFailure } from './failure.ts'

/** Media on its way in: to be read to its end, or left, at once. */
export type Incoming = {
  /** Fails with a MediaFailure when it breaks off or grows beyond its limit. */
  readonly stream: AsyncIterable<Buffer>
  readonly length?: number
  /** What the other side calls it; `sniff` says what it is. */
  readonly declaredType?: string
}
type Body = AsyncIterable<Buffer> & { on(event: 'error', heard: () => void): unknown; destroy(): unknown }
type Answer = { readonly headers: Readonly<Record<string, string | string[] | undefined>>; readonly body: Body }
export type Times = { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined }

/** An address that is not asked. */
export class ForbiddenAddress extends Error {}

/** The body of an answer, counted while it is read. A body that promises more than `limit` is refused before. */
export function incomingOf({ headers, body }: Answer, limit: number): Incoming {
  const length = Number(headers['content-length'] ?? Number.NaN)
  const type = headers['content-type']
  if (length > limit || isCoded(headers['content-encoding'])) {
    leave(body)
    throw length > limit ? tooLarge() : new MediaFailure('refused', 'The file came in a form that was not asked for.')
  }
  return {
    stream: counted(body, limit),
    ...(Number.isSafeInteger(length) ? { length } : {}),
    ...(typeof type === 'string' && type.length <= 255 ? { declaredType: type } : {}),
  }
}

/** Reads no further; the connection ends with it. */
export function leave(body: Body): void {
  body.on('error', () => undefined)
  body.destroy()
}

/** One signal for a whole exchange, from the question to the answer's last byte. */
export function signalOf({ timeoutMs, signal }: Times): AbortSignal {
  const time = AbortSignal.timeout(timeoutMs)
  return signal ? AbortSignal.any([time, signal]) : time
}

/** What an exchange failed with, in our words. What went wrong on the wire may go right the next time. */
export function failureOf(error: unknown): MediaFailure {
  if (error instanceof MediaFailure) return error
  if (isCausedBy(error, (one) => one instanceof ForbiddenAddress)) return forbidden()
  if (isCausedBy(error, (one) => /Timeout/.test(one.name)))
    return new MediaFailure('timeout', 'The file did not come through in time.', true)
  if (isCausedBy(error, (one) => one.name === 'AbortError')) return new MediaFailure('aborted', 'The file is no longer wanted.')
  return new MediaFailure('unreachable', 'The connection broke, or could not be made.', true)
}

export function forbidden(): MediaFailure {
  return new MediaFailure('forbidden', 'Files are not fetched from that address.')
}

async function* counted(body: AsyncIterable<Buffer>, limit: number): AsyncGenerator<Buffer, void> {
  let size = 0
  try {
    for await (const bytes of body) {
      size += bytes.length
      if (size > limit) throw tooLarge()
      yield bytes
    }
  } catch (error) {
    throw failureOf(error)
  }
}

function isCoded(encoding: string | string[] | undefined): boolean {
  return encoding !== undefined && encoding !== 'identity' && encoding !== ''
}

function tooLarge(): MediaFailure {
  return new MediaFailure('too large', 'The file is larger than what is passed on.')
}

function isCausedBy(error: unknown, matches: (one: Error) => boolean, depth = 0): boolean {
  if (!(error instanceof Error) || depth > 5) return false
  if (matches(error)) return true
  if (error instanceof AggregateError) return error.errors.some((one) => isCausedBy(one, matches, depth + 1))
  return isCausedBy(error.cause, matches, depth + 1)
}
