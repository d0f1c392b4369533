import { Readable } from 'node:stream'
import type { ServerName } from '../../core/ids.ts'
import { MatrixError, notFound } from '../../core/matrix-error.ts'
import type { Home } from '../../home.ts'
import { malformedAnswer } from '../../remote/relayed-error.ts'
import { createTurns } from '../../remote/turns.ts'
import { write } from '../../storage/database.ts'
import { fileNameOf, safeContentType } from '../disposition.ts'
import type { Files } from '../files.ts'
import type { Download } from '../media.ts'
import { createRecentFailures } from '../recent-failures.ts'
import { fetchMedia, type RemoteFile, tooLargeElsewhere } from './fetch-media.ts'
import { selectRemoteMedia, updateUsed, upsertRemoteMedia } from './remote-media.store.ts'

/** Files of other servers, as far as somebody here has asked for them. */
export type RemoteMedia = {
  /**
   * The file, fetched when it is not kept here and may be fetched: for `wait` milliseconds its server may wait for its upload. 404 `M_NOT_FOUND`,
   * 502 `M_TOO_LARGE`, 504 `M_NOT_YET_UPLOADED` as its server has it; 502 or 504 `M_UNKNOWN` when that server does not say.
   */
  readonly find: (serverName: ServerName, mediaId: string, of: { readonly wait: number; readonly mayFetch: boolean }) => Promise<Download>
  /** Ends what is being fetched. */
  readonly stop: () => void
}
type Tools = {
  readonly home: Pick<Home, 'peers' | 'egress' | 'config' | 'database' | 'clock' | 'log'>
  readonly files: Files
}

const mediaIdGrammar = /^[A-Za-z0-9_-]{1,255}$/
const day = 24 * 60 * 60_000
const failureTime = 60_000
const mostFailures = 10_000
/** A file that comes slower is given up. */
const window = 30_000
const leastInWindow = 16 * 1024
/** What may come besides the file itself. */
const wrapping = 128 * 1024

export function createRemoteMedia({ home, files }: Tools): RemoteMedia {
  const { database, clock, log } = home
  const fetching = new Map<string, Promise<Download>>()
  const failures = createRecentFailures<MatrixError>(clock, failureTime, mostFailures)
  const stopping = new AbortController()
  const inTurn = createTurns({ running: 8, waiting: 100 }, { running: 64, waiting: 500 })

  async function known(serverName: ServerName, mediaId: string): Promise<Download | undefined> {
    const row = await database.selectOne(selectRemoteMedia, serverName, mediaId)
    if (row === undefined) return undefined
    const now = clock.now()
    if (now - row.used_at > day) {
      const touched = database.commit({ writes: [write(updateUsed, now, serverName, mediaId)] })
      touched.catch((error: unknown) => log.warn('the use of a file was not noted', { error: String(error) }))
    }
    return { contentHash: row.content_hash, size: row.size, contentType: row.content_type, fileName: row.file_name ?? undefined }
  }

  async function fetch(serverName: ServerName, mediaId: string, wait: number): Promise<Download> {
    const ending = new AbortController()
    const pace = createPace(ending)
    const done = new AbortController()
    void pace.watch(clock, wait + window, done.signal)
    try {
      const signal = AbortSignal.any([ending.signal, stopping.signal])
      const wanted = { serverName, mediaId, wait, signal }
      const download = await fetchMedia(home, wanted, (file) => keep(files, file, pace.count, home.config.media.max_upload_size))
      const { contentHash, size, contentType, fileName = null } = download
      const now = clock.now()
      const row = [serverName, mediaId, contentHash, size, contentType, fileName, now, now] as const
      await database.commit({ writes: [write(upsertRemoteMedia, ...row)] })
      return download
    } catch (error) {
      throw shownError(error, ending.signal.aborted)
    } finally {
      done.abort()
    }
  }

  return {
    find: async (serverName, mediaId, { wait, mayFetch }) => {
      const kept = mediaIdGrammar.test(mediaId) ? await known(serverName, mediaId) : undefined
      if (kept !== undefined) return kept
      if (!mayFetch || !mediaIdGrammar.test(mediaId)) throw notFound('there is no such media')
      const key = `${serverName}/${mediaId}`
      const failure = failures.of(key)
      if (failure !== undefined) throw failure
      const running = fetching.get(key)
      if (running !== undefined) return running
      const started = inTurn(serverName, () => fetch(serverName, mediaId, wait)).finally(() => fetching.delete(key))
      fetching.set(key, started)
      started.catch((error: unknown) => {
        if (error instanceof MatrixError && !isPassing(error)) failures.add(key, error)
      })
      return started
    },
    stop: () => stopping.abort(),
  }
}

/** A file may come any moment, and so may room for it. */
function isPassing({ errcode, status }: MatrixError): boolean {
  return errcode === 'M_NOT_YET_UPLOADED' || errcode === 'M_LIMIT_EXCEEDED' || status === 507
}

/** Writes a file down as it comes. */
async function keep(files: Files, file: RemoteFile, count: (bytes: number) => void, limit: number): Promise<Download> {
  if ((file.length ?? 0) > limit + wrapping) throw tooLargeElsewhere()
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of file.body) {
      count(chunk.length)
      yield chunk
    }
  }
  const source = Readable.from(counted())
  try {
    const { contentHash, size } = await files.keep(source, limit)
    return { contentHash, size, contentType: safeContentType(file.contentType), fileName: fileNameOf(file.disposition) }
  } finally {
    source.destroy()
  }
}

function shownError(error: unknown, isTooSlow: boolean): unknown {
  if (isTooSlow) return new MatrixError(504, 'M_UNKNOWN', 'the other server is too slow')
  if (error instanceof MatrixError) return error.status === 413 ? tooLargeElsewhere() : error
  return isSystemError(error) ? error : malformedAnswer()
}

/** What the disk says is for the log; a connection's end is the other server's doing. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'path' in error
}

/** Gives a file up that has come too slowly in some span of time. */
function createPace(ending: AbortController) {
  let bytes = 0
  return {
    count: (more: number): void => {
      bytes += more
    },
    watch: async (clock: Pick<Home['clock'], 'sleep'>, first: number, done: AbortSignal): Promise<void> => {
      await clock.sleep(first, done)
      for (let before = 0; !done.aborted; ) {
        if (bytes - before < leastInWindow) return ending.abort()
        before = bytes
        await clock.sleep(window, done)
      }
    },
  }
}
