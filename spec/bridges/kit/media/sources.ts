import type { ByteSource } from '../../../../bridges/kit/media/byte-source.ts'

/** Bytes in memory as a source that counts how much of it was asked for; it may say that it is larger than it is. */
export function sourceOf(bytes: Buffer, size = bytes.length): ByteSource & { asked(): number } {
  let asked = 0
  return {
    size,
    async read(offset, length) {
      asked += length
      return bytes.subarray(offset, offset + length)
    },
    asked: () => asked,
  }
}

/** Bytes as a stream, cut where `cut` says how many come next. */
export async function* streamOf(bytes: Buffer, cut: () => number = () => 65_536): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length; ) {
    const next = bytes.subarray(at, at + Math.max(1, cut()))
    at += next.length
    yield next
  }
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

/** What a promise fails with. */
export async function failing(promise: Promise<unknown>): Promise<Error & { class?: string; transient?: boolean }> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (outcome instanceof Error) return outcome
  throw new Error('it did not fail')
}
