import type { IncomingMessage } from 'node:http'
import { setImmediate as breathe } from 'node:timers/promises'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { maxSignedNesting, parseLossless, parseStrict } from '../core/lossless-json.ts'
import { badJson, MatrixError, notJson, tooLarge } from '../core/matrix-error.ts'
import { parseInSteps } from '../remote/json-in-steps.ts'

export const defaultLimit = 1024 * 1024
const timeLimit = 60_000
/** Bytes of what servers sign that are parsed in one turn: small values, read with their spelling, take a fifth of a microsecond a byte. */
const parsedAtOnce = 64 * 1024

/** The client went away before its request was whole; there is nobody to answer. */
export class Gone extends Error {}

/**
 * Reads a body of at most `limit` bytes. 413 M_TOO_LARGE beyond, 408 when it takes too long, `Gone` when the client does not wait.
 * What its Content-Type says does not matter: clients send JSON under many names, and under none.
 */
export function readBytes(request: IncomingMessage, limit = defaultLimit): Promise<Uint8Array> {
  const promised = Number(request.headers['content-length'] ?? 0)
  if (promised > limit) return Promise.reject(tooLarge())
  // Without a body there is nothing to wait for, and nothing that would tell of its end.
  if (request.readableEnded) return Promise.resolve(Buffer.alloc(0))
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined
    let more: Buffer[] | undefined
    let size = 0
    const timer = setTimeout(() => end(new MatrixError(408, 'M_UNKNOWN', 'the request took too long')), timeLimit)
    function end(error?: Error) {
      clearTimeout(timer)
      request.off('data', onData).off('end', onEnd).off('close', onClose)
      if (error) reject(error)
      else resolve(more ? Buffer.concat(more, size) : (first ?? Buffer.alloc(0)))
    }
    function onData(chunk: Buffer) {
      size += chunk.length
      if (size > limit) end(tooLarge())
      else if (first === undefined) first = chunk
      else if (more) more.push(chunk)
      else more = [first, chunk]
    }
    function onEnd() {
      end()
    }
    function onClose() {
      end(new Gone())
    }
    request.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}

/**
 * Reads a JSON object. 400 M_NOT_JSON for what is no JSON in UTF-8, M_BAD_JSON for JSON that is no object; a missing body is `{}` where it is
 * optional.
 */
export async function readObject(request: IncomingMessage, limit: number | undefined, optional: boolean): Promise<JsonObject> {
  return (await read(request, limit, optional, (bytes) => parseStrict(bytes))) ?? {}
}

/** The same with every integer exact, as it was signed; undefined for a missing body where it is optional. A large one is parsed with other work in between. */
export function readSigned(request: IncomingMessage, limit: number | undefined, optional: boolean): Promise<JsonObject | undefined> {
  return read(request, limit, optional, parseSigned)
}

async function parseSigned(bytes: Uint8Array): Promise<Json> {
  if (bytes.length <= parsedAtOnce) return parseLossless(bytes)
  const steps = parseInSteps(bytes, { parse: parseLossless, levels: maxSignedNesting, atOnce: parsedAtOnce })
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    await breathe()
  }
}

async function read(
  request: IncomingMessage,
  limit: number | undefined,
  optional: boolean,
  parse: (bytes: Uint8Array) => Json | Promise<Json>,
): Promise<JsonObject | undefined> {
  const bytes = await readBytes(request, limit)
  if (bytes.length === 0) {
    if (optional) return undefined
    throw notJson('a JSON object is expected in the body')
  }
  const value = await parse(bytes)
  if (!isJsonObject(value)) throw badJson('the body is not a JSON object')
  return value
}
