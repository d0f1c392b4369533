import type { Home } from '../home.ts'
import { errorFields } from '../http/log.ts'
import type { Reader } from '../slice.ts'
import { write } from '../storage/database.ts'
import type { Files } from './files.ts'
import { deleteAllExpired, deleteMedia, selectMedia } from './media.store.ts'
import { deleteThumbnails, selectThumbnailsOf, selectUsed, selectUsedAmong } from './thumbnails.store.ts'
import { deletePreview, selectOldPreviews } from './url-previews.store.ts'

type Tools = { readonly home: Pick<Home, 'database' | 'clock' | 'random' | 'log'>; readonly files: Files }

const hour = 60 * 60_000
const previewTime = 7 * 24 * hour
/** A file that was written lately may be about to get its row. */
const fresh = 2 * hour

/** Every hour: throws away old previews with their pictures, ids that nobody has used, and in one folder of 256 what no row speaks of. */
export function createHousekeeping(tools: Tools): Reader {
  let folder = tools.home.random(1)[0]!
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  const round = async () => {
    await forgetOld(tools)
    folder = (folder + 1) % 256
    await discardStrays(tools, folder)
  }
  const run = () => {
    running = running.then(round).catch((error: unknown) => tools.home.log.error('tidying the media failed', errorFields(error)))
  }
  return {
    name: 'media',
    async start() {
      await tools.files.clean()
      timer = setInterval(run, hour).unref()
    },
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}

/** Forgets previews that are a week old, with their pictures, and ids whose uploads never came. */
export async function forgetOld({ home, files }: Tools): Promise<void> {
  const { database, clock } = home
  await database.commit({ writes: [write(deleteAllExpired, clock.now())] })
  for (;;) {
    const old = await database.select(selectOldPreviews, clock.now() - previewTime)
    if (old.length === 0) return
    for (const { url_hash, fetched_at, media_id } of old) {
      const picture = media_id === null ? undefined : await database.selectOne(selectMedia, media_id)
      const pictures = media_id === null ? [] : [write(deleteMedia, media_id)]
      await database.commit({ writes: [write(deletePreview, url_hash, fetched_at), ...pictures] })
      if (picture?.content_hash) await discardUnused({ home, files }, picture.content_hash)
    }
  }
}

/** Throws a content away with its thumbnails, unless something still refers to it. */
async function discardUnused({ home, files }: Tools, contentHash: string): Promise<void> {
  if (await home.database.selectOne(selectUsed, contentHash, contentHash)) return
  const made = await home.database.select(selectThumbnailsOf, contentHash)
  await home.database.commit({ writes: [write(deleteThumbnails, contentHash)] })
  await files.discard(contentHash, home.clock.now() - fresh)
  for (const { thumbnail_hash } of made) {
    if (thumbnail_hash !== contentHash) await discardUnused({ home, files }, thumbnail_hash)
  }
}

/** Throws away what lies in one of 256 folders without a row: left by a process that was killed, or by an upload that was refused at the end. */
export async function discardStrays({ home, files }: Tools, folder: number): Promise<void> {
  const present = await files.list(folder)
  for (let at = 0; at < present.length; at += 500) {
    const some = present.slice(at, at + 500)
    const used = new Set((await home.database.select(selectUsedAmong, some, some)).map(({ hash }) => hash))
    for (const contentHash of some) if (!used.has(contentHash)) await files.discard(contentHash, home.clock.now() - fresh)
  }
}
