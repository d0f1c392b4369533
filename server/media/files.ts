import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { tooLarge } from '../core/matrix-error.ts'

/** Bytes as they lie on the disk. */
export type Stored = { readonly contentHash: string; readonly size: number }

/** Files named by the SHA-256 of their bytes, so that the same bytes are kept once; nothing a client says becomes part of a path. */
export type Files = {
  /** Writes a stream of at most `limit` bytes; resolves once it is on the disk. 413 M_TOO_LARGE beyond, with nothing left behind. */
  readonly keep: (source: Readable, limit: number) => Promise<Stored>
  /** The bytes of a hash; undefined when there is no such file. */
  readonly read: (contentHash: string) => Promise<Readable | undefined>
  /** Throws away what an ended process had begun to write. */
  readonly clean: () => Promise<void>
}

const hashGrammar = /^[0-9a-f]{64}$/

export function createFiles(root: string): Files {
  const incoming = () => join(root, 'incoming')
  const folderOf = (contentHash: string) => join(root, contentHash.slice(0, 2), contentHash.slice(2, 4))
  const pathOf = (contentHash: string) => join(folderOf(contentHash), contentHash)

  return {
    async keep(source, limit) {
      await mkdir(incoming(), { recursive: true, mode: 0o700 })
      const path = join(incoming(), `${process.pid}-${randomBytes(12).toString('hex')}`)
      try {
        const stored = await write(source, path, limit)
        const folder = folderOf(stored.contentHash)
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await rename(path, pathOf(stored.contentHash))
        for (const changed of [folder, join(folder, '..'), root]) await syncFolder(changed)
        return stored
      } catch (error) {
        await rm(path, { force: true })
        throw error
      }
    },
    async read(contentHash) {
      if (!hashGrammar.test(contentHash)) return undefined
      const path = pathOf(contentHash)
      return (await stat(path).catch(() => undefined)) && createReadStream(path)
    },
    async clean() {
      for (const name of await readdir(incoming()).catch(() => [])) {
        if (!isAlive(Number(name.split('-')[0]))) await rm(join(incoming(), name), { force: true })
      }
    },
  }
}

/** Hashes while it writes, one chunk at a time. */
async function write(source: Readable, path: string, limit: number): Promise<Stored> {
  const hash = createHash('sha256')
  const file = await open(path, 'wx', 0o600)
  let size = 0
  try {
    // A source that is refused stays open: its sender is to read the answer.
    for await (const chunk of source.iterator({ destroyOnReturn: false })) {
      const bytes = chunk as Buffer
      size += bytes.length
      if (size > limit) throw tooLarge('the upload is too large')
      hash.update(bytes)
      await file.writeFile(bytes)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { contentHash: hash.digest('hex'), size }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
