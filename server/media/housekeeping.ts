import type { Home } from '../home.ts'
import { errorFields } from '../http/log.ts'
import type { Reader } from '../slice.ts'
import { write } from '../storage/database.ts'
import type { Files } from './files.ts'
import { deleteAllExpired, deleteMedia, selectMedia } from './media.store.ts'
import { deleteUnused, selectUnused } from './remote/remote-media.store.ts'
import { deleteThumbnails, selectThumbnailsOf, selectUsed, selectUsedAmong } from './thumbnails.store.ts'
import { deletePreview, selectOldPreviews } from './url-previews.store.ts'

type Tools = { readonly home: Pick<Home, 'config' | 'database' | 'clock' | 'random' | 'log'>; readonly files: Files }

const hour = 60 * 60_000
const previewTime = 7 * 24 * hour
/** A file that was written lately may be about to get its row. */
const fresh = 2 * hour
const mostAtOnce = 100

/** Every hour: throws away old previews with their pictures, files of other servers and ids that nobody has used, and in one folder of 256 what no row speaks of. */
export function createHousekeeping(tools: Tools): Reader {
  let folder = tools.home.random(1)[0]!
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  const round = async () => {
    await forgetOld(tools)
    await forgetUnused(tools)
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

/** Forgets files of other servers that nobody has asked for in a long time. */
export async function forgetUnused({ home, files }: Tools): Promise<void> {
  const before = home.clock.now() - home.config.media.keep_remote
  for (;;) {
    const unused = await home.database.select(selectUnused, before, mostAtOnce)
    if (unused.length === 0) return
    await home.database.commit({ writes: unused.map((row) => write(deleteUnused, row.server_name, row.media_id, before)) })
    for (const { content_hash } of unused) await discardUnused({ home, files }, content_hash)
  }
}

/** Throws a content away with its thumbnails, unless something still refers to it. */
async function discardUnused({ home, files }: Pick<Tools, 'home' | 'files'>, contentHash: string): Promise<void> {
  if (await home.database.selectOne(selectUsed, contentHash, contentHash, contentHash)) return
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
    const used = new Set((await home.database.select(selectUsedAmong, some, some, some)).map(({ hash }) => hash))
    for (const contentHash of some) if (!used.has(contentHash)) await files.discard(contentHash, home.clock.now() - fresh)
  }
}
