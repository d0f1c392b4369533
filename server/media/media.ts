import type { Readable } from 'node:stream'
import { cannotOverwriteMedia, forbidden, limitExceeded, MatrixError, notFound, notYetUploaded, tooLarge } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import type { Requester } from '../http/endpoint.ts'
import { guard, write } from '../storage/database.ts'
import { safeContentType, safeFileName } from './disposition.ts'
import type { Files } from './files.ts'
import {
  countAwaited,
  deleteExpired,
  insertAwaited,
  insertMedia,
  type MediaRow,
  selectAwaited,
  selectMedia,
  updateAwaited,
} from './media.store.ts'
import { overQuota, quotaGuards, roomLeft, usageWrites } from './quota.ts'

/** A file on its way in. */
export type Upload = {
  readonly bytes: Readable
  /** What the client said that it sends; undefined when it did not say. */
  readonly length: number | undefined
  readonly contentType: string | undefined
  readonly fileName: string | undefined
}
export type Download = {
  readonly contentHash: string
  readonly size: number
  readonly contentType: string
  readonly fileName: string | undefined
}

type Tools = { readonly home: Pick<Home, 'config' | 'database' | 'clock' | 'notifier' | 'random'>; readonly files: Files }

const uploadTime = 24 * 60 * 60_000
const mostAwaited = 100
const mediaIdGrammar = /^[A-Za-z0-9_-]{1,255}$/

/** Keeps a file; resolves with its id once it is on the disk. Throws `M_TOO_LARGE`, `M_FORBIDDEN` over the user's quota. */
export async function upload({ home, files }: Tools, requester: Requester, upload: Upload): Promise<string> {
  const mediaId = newId(home)
  const { userId } = requester
  const now = home.clock.now()
  const { contentHash, size, contentType, fileName } = await keep({ home, files }, requester, upload)
  const outcome = await home.database.commit({
    guards: quotaGuards(home, requester, size),
    writes: [write(insertMedia, mediaId, userId, contentHash, size, contentType, fileName, now), ...usageWrites(userId, size, now)],
  })
  if (!outcome.ok) throw overQuota()
  return mediaId
}

/** An id for an upload that comes later. 429 when too many of the user's are awaited. */
export async function createAwaited({ home }: Pick<Tools, 'home'>, requester: Requester): Promise<{ mediaId: string; expiresAt: number }> {
  const { userId } = requester
  const now = home.clock.now()
  const awaited = await home.database.selectOne(countAwaited, userId, now)
  if ((awaited?.count ?? 0) >= mostAwaited && requester.service?.rateLimited !== false) throw limitExceeded(60_000)
  const mediaId = newId(home)
  const expiresAt = now + uploadTime
  await home.database.commit({ writes: [write(deleteExpired, userId, now), write(insertAwaited, mediaId, userId, now, expiresAt)] })
  return { mediaId, expiresAt }
}

/**
 * Keeps a file under an id made before. Throws `M_NOT_FOUND` for an id that was not made or has expired, `M_FORBIDDEN` for another user's,
 * `M_CANNOT_OVERWRITE_MEDIA` when it has been uploaded, `M_TOO_LARGE`, `M_FORBIDDEN` over the quota.
 */
export async function uploadAwaited({ home, files }: Tools, requester: Requester, mediaId: string, upload: Upload): Promise<void> {
  const { userId } = requester
  const row = await find({ home }, mediaId)
  if (row.user_id !== userId) throw forbidden('this media id is of another user')
  if (row.content_hash !== null) throw cannotOverwriteMedia()
  const { contentHash, size, contentType, fileName } = await keep({ home, files }, requester, upload)
  const outcome = await home.database.commit({
    guards: [guard('awaited', 'row', selectAwaited, mediaId), ...quotaGuards(home, requester, size)],
    writes: [write(updateAwaited, contentHash, size, contentType, fileName, mediaId), ...usageWrites(userId, size, home.clock.now())],
    log: [{ kind: 'media', key: mediaId }],
  })
  if (!outcome.ok) throw outcome.guard === 'awaited' ? cannotOverwriteMedia() : overQuota()
}

/** What is known of a file, waiting some time for its upload. Throws `M_NOT_FOUND`, or `M_NOT_YET_UPLOADED` after the time. */
export async function findMedia(
  { home }: Pick<Tools, 'home'>,
  mediaId: string,
  wait: number,
  signal: () => AbortSignal,
): Promise<Download> {
  let row = await find({ home }, mediaId)
  if (row.content_hash === null) {
    const interest = home.notifier.subscribe([mediaId])
    try {
      const from = home.notifier.position()
      row = await find({ home }, mediaId)
      if (row.content_hash === null && (await interest.wait(from, wait, signal()))) row = await find({ home }, mediaId)
    } finally {
      interest.close()
    }
  }
  if (row.content_hash === null) throw notYetUploaded()
  return { contentHash: row.content_hash, size: row.size, contentType: row.content_type, fileName: row.file_name ?? undefined }
}

async function find({ home }: Pick<Tools, 'home'>, mediaId: string): Promise<MediaRow> {
  const row = mediaIdGrammar.test(mediaId) ? await home.database.selectOne(selectMedia, mediaId) : undefined
  const expired = row?.content_hash === null && (row.expires_at ?? 0) <= home.clock.now()
  if (!row || expired) throw notFound('there is no such media')
  return row
}

async function keep({ home, files }: Tools, requester: Requester, { bytes, length = 0, contentType, fileName }: Upload) {
  const limit = home.config.media.max_upload_size
  if (length > limit) throw tooLarge('the upload is too large')
  const left = await roomLeft(home, requester)
  if (length > left || left <= 0) throw overQuota()
  const stored = await files.keep(bytes, Math.min(limit, left)).catch((error: unknown) => {
    throw left < limit && error instanceof MatrixError && error.errcode === 'M_TOO_LARGE' ? overQuota() : error
  })
  return { ...stored, contentType: safeContentType(contentType), fileName: safeFileName(fileName) ?? null }
}

function newId({ random }: Pick<Home, 'random'>): string {
  return random(18).toString('base64url')
}
