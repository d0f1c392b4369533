import { invalidParam } from './matrix-error.ts'

/** A place in the stream of changes. `toDevice` is how far send-to-device messages were given out; it lags when there were more than one answer holds. */
export type StreamToken = { readonly position: number; readonly toDevice: number }

const grammar = /^s1_(\d{1,16})(?:_(\d{1,16}))?$/

/** Writes a place in the stream as clients see it. */
export function encodeToken(position: number, toDevice = position): string {
  return toDevice === position ? `s1_${position}` : `s1_${position}_${toDevice}`
}

/** Reads a token that `encodeToken` wrote; 400 `M_INVALID_PARAM` for anything else. */
export function decodeToken(text: string): StreamToken {
  const [, first, second = first] = grammar.exec(text) ?? []
  const position = Number(first)
  const toDevice = Number(second)
  if (!Number.isSafeInteger(position) || !Number.isSafeInteger(toDevice)) throw invalidParam('this is not a token of this server')
  return { position, toDevice }
}
