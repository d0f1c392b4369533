import type { IncomingMessage } from 'node:http'

const usualLimit = 1_048_576

/** The body of a request, at most 1 MiB unless told otherwise; a longer one ends the connection. */
export async function readBody(request: IncomingMessage, limit = usualLimit): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length
    if (bytes > limit) {
      request.destroy()
      throw new Error('the body is too long')
    }
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}
