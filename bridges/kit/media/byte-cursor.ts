const nothing = Buffer.alloc(0)

/** Reads a stream of bytes piece by piece, holding no more than one chunk of it and what is asked for at once. */
export class ByteCursor {
  private readonly input: AsyncIterator<Uint8Array>
  private held: Buffer = nothing

  constructor(input: AsyncIterable<Uint8Array>) {
    this.input = input[Symbol.asyncIterator]()
  }

  /** What comes next, at most `most` bytes and never none; undefined at the end. */
  async some(most = Number.POSITIVE_INFINITY): Promise<Buffer | undefined> {
    while (this.held.length === 0) {
      const next = await this.input.next()
      if (next.done) return undefined
      this.held = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
    }
    const taken = this.held.subarray(0, most)
    this.held = this.held.subarray(taken.length)
    return taken
  }

  /** Exactly so many bytes; fewer only at the end. */
  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let missing = length; missing > 0; ) {
      const part = await this.some(missing)
      if (!part) break
      parts.push(part)
      missing -= part.length
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  /** So many bytes as they come, each piece through `change`, which keeps its length. */
  async *pass(length: number, change?: (bytes: Buffer) => Buffer): AsyncGenerator<Buffer, void> {
    for (let missing = length; missing > 0; ) {
      const part = await this.some(missing)
      if (!part) return
      missing -= part.length
      yield change ? change(part) : part
    }
  }

  /** Reads so many bytes and forgets them. */
  async skip(length: number): Promise<void> {
    for (let missing = length; missing > 0; ) {
      const part = await this.some(missing)
      if (!part) return
      missing -= part.length
    }
  }

  /** These bytes come next again. */
  giveBack(bytes: Buffer): void {
    this.held = this.held.length === 0 ? bytes : Buffer.concat([bytes, this.held])
  }

  /** Ends the reading; the source learns of it. */
  async close(): Promise<void> {
    await this.input.return?.()
  }
}
