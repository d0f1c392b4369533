import { createHash, randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { MatrixError, tooLarge } from '../core/matrix-error.ts'

/** Bytes as they lie on the disk. */
export type Stored = { readonly contentHash: string; readonly size: number }

/** Files named by the SHA-256 of their bytes, so that the same bytes are kept once; nothing a client says becomes part of a path. */
export type Files = {
  /** Writes a stream of at most `limit` bytes; resolves once it is on the disk. 413 M_TOO_LARGE beyond, 507 when the disk is full; nothing is left behind then. */
  readonly keep: (source: Readable, limit: number) => Promise<Stored>
  /** The file of a hash, to be closed by who asks; undefined when there is none. */
  readonly open: (contentHash: string) => Promise<FileHandle | undefined>
  /** Where the bytes of a hash lie. Throws for what is no hash. */
  readonly pathOf: (contentHash: string) => string
  /** Throws a file away, unless it was written (again) since `before`. */
  readonly discard: (contentHash: string, before: number) => Promise<void>
  /** The hashes in one of 256 folders. */
  readonly list: (folder: number) => Promise<string[]>
  /** Throws away what an ended process had begun to write. */
  readonly clean: () => Promise<void>
}

const hashGrammar = /^[0-9a-f]{64}$/

export function createFiles(root: string): Files {
  const incoming = () => join(root, 'incoming')
  const folderOf = (contentHash: string) => join(root, contentHash.slice(0, 2), contentHash.slice(2, 4))
  /** Folders of which this process knows that their names are on the disk. */
  const durable = new Set<string>()
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
        // At one time, so that the file system can write them with one another.
        await Promise.all([folder, ...(durable.has(folder) ? [] : [join(folder, '..'), root])].map(syncFolder))
        durable.add(folder)
        return stored
      } catch (error) {
        await rm(path, { force: true })
        throw isFull(error) ? noRoom() : error
      }
    },
    async open(contentHash) {
      if (!hashGrammar.test(contentHash)) return undefined
      return open(pathOf(contentHash)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      })
    },
    pathOf(contentHash) {
      if (!hashGrammar.test(contentHash)) throw new Error('this is not the hash of a file')
      return pathOf(contentHash)
    },
    async discard(contentHash, before) {
      if (!hashGrammar.test(contentHash)) return
      const path = pathOf(contentHash)
      const found = await stat(path).catch(() => undefined)
      if (found && found.mtimeMs < before) await rm(path, { force: true })
    },
    async list(folder) {
      const top = join(root, folder.toString(16).padStart(2, '0'))
      const names = await Promise.all((await namesIn(top)).map((below) => namesIn(join(top, below))))
      return names.flat().filter((name) => hashGrammar.test(name))
    },
    async clean() {
      for (const name of await namesIn(incoming())) {
        if (!isAlive(Number(name.split('-')[0]))) await rm(join(incoming(), name), { force: true })
      }
    },
  }
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
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
    await file.datasync()
  } finally {
    await file.close()
  }
  return { contentHash: hash.digest('hex'), size }
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(String((error as NodeJS.ErrnoException).code))
}

/** For the operator's sake it says what is wrong; the status says that it is not the client's fault. */
function noRoom(): MatrixError {
  return new MatrixError(507, 'M_RESOURCE_LIMIT_EXCEEDED', 'the server has no room left for files')
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
