/** Bytes that can be read anywhere and any number of times. */
export type ByteSource = {
  readonly size: number
  /** So many bytes from there; fewer only at the end. */
  read(offset: number, length: number): Promise<Buffer>
}

/** A source that is read no more than so often and so far; beyond that it gives nothing, as if it ended. */
export function boundReads(source: ByteSource, most: { readonly reads: number; readonly bytes: number }): ByteSource {
  let { reads, bytes } = most
  return {
    size: source.size,
    async read(offset, length) {
      const wanted = Math.min(length, source.size - offset)
      if (!(offset >= 0) || !(wanted > 0) || reads < 1 || bytes < wanted) return Buffer.alloc(0)
      reads -= 1
      bytes -= wanted
      return source.read(offset, wanted)
    },
  }
}
