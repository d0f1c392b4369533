import { createHash, randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteSource } from './byte-source.ts'
import { MediaFailure } from './failure.ts'

const chunkBytes = 64 * 1024

/** Bytes whose length and hash are known. They are gone once `discard` was called, and at the latest when the process ends. */
export type Kept = ByteSource & {
  /** SHA-256 of all of them. */
  readonly sha256: Buffer
  /** All of them, from the first on; as often as wanted. */
  stream(): AsyncGenerator<Buffer, void>
  /** Gives the space back; may be called again. */
  discard(): Promise<void>
}
export type Spool = {
  /**
   * Writes a stream of at most `limit` bytes to a file of its own. Fails with a MediaFailure: `too large`, or `no space` (transient) when all that is kept
   * would be too much; nothing stays behind then, nor when the input fails.
   */
  keep(input: AsyncIterable<Uint8Array>, limit: number): Promise<Kept>
  /** Bytes that are kept now. */
  readonly used: number
}

/**
 * A folder for what has to be read before it can be handed on. Each file is readable by this user alone and loses its name as soon as it is open, so that a
 * process that is killed leaves nothing. `quota` bounds the bytes of all files together, `mostFiles` their number.
 */
export function createSpool(of: { readonly folder: string; readonly quota: number; readonly mostFiles?: number }): Spool {
  const mostFiles = of.mostFiles ?? 256
  let used = 0
  let files = 0

  async function keep(input: AsyncIterable<Uint8Array>, limit: number): Promise<Kept> {
    if (files >= mostFiles) throw noSpace()
    files += 1
    let size = 0
    let file: FileHandle | undefined
    let release = async () => {
      release = async () => undefined
      used -= size
      files -= 1
      await file?.close()
    }
    const discard = () => release()
    try {
      file = await openNameless(of.folder)
      const hash = createHash('sha256')
      for await (const bytes of input) {
        if (size + bytes.length > limit) throw new MediaFailure('too large', 'The file is larger than what is passed on.')
        if (used + bytes.length > of.quota) throw noSpace()
        used += bytes.length
        size += bytes.length
        hash.update(bytes)
        await writeAll(file, bytes, size - bytes.length)
      }
      return { ...readable(file, size), sha256: hash.digest(), discard }
    } catch (error) {
      await discard()
      throw error
    }
  }
  return {
    keep,
    get used() {
      return used
    },
  }
}

async function openNameless(folder: string): Promise<FileHandle> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, randomBytes(16).toString('hex'))
  const file = await open(path, 'wx+', 0o600)
  try {
    await unlink(path)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

function readable(file: FileHandle, size: number): ByteSource & Pick<Kept, 'stream'> {
  async function read(offset: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - offset)))
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, offset + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return bytes.subarray(0, filled)
  }
  async function* stream(): AsyncGenerator<Buffer, void> {
    for (let at = 0; at < size; at += chunkBytes) yield await read(at, chunkBytes)
  }
  return { size, read, stream }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done)
    done += bytesWritten
  }
}

function noSpace(): MediaFailure {
  return new MediaFailure('no space', 'Too many files are on their way at once.', true)
}
