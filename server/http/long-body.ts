import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Reply } from './endpoint.ts'
import { sendHead } from './reply.ts'

/** JSON text as a whole, or where it is very long in parts. */
export type LongBody = Uint8Array | AsyncIterable<Uint8Array>

/** Answers with a long body between two texts; one in parts goes out as it is made, no faster than it is read. */
export async function replyWith(response: ServerResponse, before: string, body: LongBody, after = ''): Promise<Reply | undefined> {
  if (body instanceof Uint8Array) return { body: Buffer.concat([Buffer.from(before), body, Buffer.from(after)]) }
  sendHead(response, 200, { 'Content-Type': 'application/json' })
  await pipeline(enclosed(before, body, after), response)
  return undefined
}

async function* enclosed(before: string, body: AsyncIterable<Uint8Array>, after: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(before)
  yield* body
  yield Buffer.from(after)
}
