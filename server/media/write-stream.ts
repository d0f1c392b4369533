import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { finished, type Readable } from 'node:stream'
import { tooLarge } from '../core/matrix-error.ts'

/** Bytes as they lie on the disk. */
export type Stored = { readonly contentHash: string; readonly size: number }

/** So much is gathered before it is written: a small file in one go. While it is written, as much again is read. */
const atOnce = 256 * 1024

/**
 * Writes a stream of at most `limit` bytes to an empty file and hashes it on the way; resolves once the bytes are on the disk. The file stays open;
 * what the stream gave is gone. 413 M_TOO_LARGE beyond the limit.
 */
export async function writeStream(source: Readable, file: FileHandle, limit: number): Promise<Stored> {
  const hash = createHash('sha256')
  let size = 0
  let gathered: Buffer[] = []
  let length = 0
  let writing: Promise<void> | undefined
  async function flush(): Promise<void> {
    await writing
    writing = writeAll(file, gathered, length)
    // A failure is told by whoever waits next.
    writing.catch(() => {})
    gathered = []
    length = 0
  }
  try {
    await eachChunk(source, (bytes) => {
      size += bytes.length
      if (size > limit) throw tooLarge('the upload is too large')
      hash.update(bytes)
      gathered.push(bytes)
      length += bytes.length
      return length < atOnce ? undefined : flush()
    })
    if (length > 0) await flush()
    await writing
    await file.datasync()
  } finally {
    await writing?.catch(() => {})
  }
  return { contentHash: hash.digest('hex'), size }
}

/**
 * Hands over each chunk of a stream as it came, which reading it would not: that joins those that wait. Takes the next when what was promised for the
 * one before has come. Rejects with what goes wrong; a source that is refused stays open: its sender is to read the answer.
 */
function eachChunk(source: Readable, take: (chunk: Buffer) => Promise<void> | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    finished(source, { writable: false }, (error) => (error ? reject(error) : resolve()))
    const stop = (error: unknown) => {
      source.off('data', onData).pause()
      reject(error)
    }
    function onData(chunk: Buffer): void {
      try {
        const taken = take(chunk)
        if (taken === undefined) return
        source.pause()
        taken.then(() => source.resume(), stop)
      } catch (error) {
        stop(error)
      }
    }
    source.on('data', onData)
  })
}

/** A full disk, or a signal, may take a part of what is given. */
async function writeAll(file: FileHandle, chunks: readonly Buffer[], length: number): Promise<void> {
  const { bytesWritten } = await file.writev(chunks)
  if (bytesWritten < length) await file.writeFile(Buffer.concat(chunks).subarray(bytesWritten))
  chunks.forEach(release)
}

/**
 * Gives the memory of bytes back at once, where they have it to themselves. Left to the collector, tens of megabytes would gather, and all that the
 * server holds be walked through for them: as much work as everything else of a large upload.
 */
function release({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && byteLength > 0 && buffer.byteLength === byteLength) buffer.transfer(0)
}
