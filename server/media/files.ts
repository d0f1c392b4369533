import { randomBytes } from 'node:crypto'
import { access, type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { MatrixError } from '../core/matrix-error.ts'
import { type Stored, writeStream } from './write-stream.ts'

/** Files named by the SHA-256 of their bytes, so that the same bytes are kept once; nothing a client says becomes part of a path. */
export type Files = {
  /** Writes a stream of at most `limit` bytes; resolves once it is on the disk. 413 M_TOO_LARGE beyond, 507 when the disk is full; nothing is left behind then. */
  readonly keep: (source: Readable, limit: number) => Promise<Stored>
  /** The file of a hash, to be closed by who asks; undefined when there is none. */
  readonly open: (contentHash: string) => Promise<FileHandle | undefined>
  /** Where the bytes of a hash lie. Throws for what is no hash. */
  readonly pathOf: (contentHash: string) => Promise<string>
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
  const folderOf = (contentHash: string) => join(root, contentHash.slice(0, 2))
  /** Folders of which this process knows that their names are on the disk. */
  const durable = new Set<string>()
  const pathOf = (contentHash: string) => join(folderOf(contentHash), contentHash)
  /** Where files lay when each of the 256 folders had as many: a folder for nearly every file, to be made, and made durable, with it. */
  const formerPathOf = (contentHash: string) => join(folderOf(contentHash), contentHash.slice(2, 4), contentHash)

  return {
    async keep(source, limit) {
      const path = join(incoming(), `${process.pid}-${randomBytes(12).toString('hex')}`)
      try {
        const file = await inFolder(incoming(), () => open(path, 'wx', 0o600))
        const stored = await writeStream(source, file, limit).finally(() => file.close())
        const folder = folderOf(stored.contentHash)
        await inFolder(folder, () => rename(path, pathOf(stored.contentHash)))
        // At one time, so that the file system can write them with one another.
        await Promise.all((durable.has(folder) ? [folder] : [folder, root]).map(syncFolder))
        durable.add(folder)
        return stored
      } catch (error) {
        await rm(path, { force: true })
        throw isFull(error) ? noRoom() : error
      }
    },
    async open(contentHash) {
      if (!hashGrammar.test(contentHash)) return undefined
      return (await openExisting(pathOf(contentHash))) ?? openExisting(formerPathOf(contentHash))
    },
    async pathOf(contentHash) {
      if (!hashGrammar.test(contentHash)) throw new Error('this is not the hash of a file')
      const path = pathOf(contentHash)
      return access(path).then(
        () => path,
        () => formerPathOf(contentHash),
      )
    },
    async discard(contentHash, before) {
      if (!hashGrammar.test(contentHash)) return
      for (const path of [pathOf(contentHash), formerPathOf(contentHash)]) {
        const found = await stat(path).catch(() => undefined)
        if (found && found.mtimeMs < before) await rm(path, { force: true })
      }
    },
    async list(folder) {
      const top = join(root, folder.toString(16).padStart(2, '0'))
      const names = await namesIn(top)
      const former = names.filter((name) => name.length === 2).map((below) => namesIn(join(top, below)))
      const all = new Set([names, ...(await Promise.all(former))].flat())
      return [...all].filter((name) => hashGrammar.test(name))
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

/** Does something in a folder, which is made when it turns out that it is not there. */
function inFolder<T>(folder: string, act: () => Promise<T>): Promise<T> {
  return act().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return act()
  })
}

function openExisting(path: string): Promise<FileHandle | undefined> {
  return open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
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
