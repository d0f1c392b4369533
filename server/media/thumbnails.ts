import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { MatrixError, tooLarge, unknown } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import { write } from '../storage/database.ts'
import type { Files } from './files.ts'
import { headBytes, type ImageFormat, sniffImage } from './image-format.ts'
import type { ImageProcesses } from './image-processes.ts'
import { createRecentFailures, type RecentFailures } from './recent-failures.ts'
import { coarseStepOf, isBeyondSteps, stepOf, type Wanted } from './thumbnail-size.ts'
import { countThumbnails, insertThumbnail, selectThumbnail } from './thumbnails.store.ts'

/** A picture that can be served: its content, and the type that its bytes have. */
export type Picture = { readonly contentHash: string; readonly size: number; readonly contentType: string }
export type Thumbnails = {
  /**
   * The thumbnail of a file, made when it is asked for first. Throws 400 `M_UNKNOWN` for what is no picture, 413 `M_TOO_LARGE` for one with too
   * many pixels, 429 when too many wait. https://spec.matrix.org/v1.19/client-server-api/#thumbnails
   */
  readonly find: (media: Pick<Picture, 'contentHash' | 'size'>, wanted: Wanted) => Promise<Picture>
  /** Width and height of a picture, with the type of its bytes; undefined for what is none. */
  readonly measure: (contentHash: string) => Promise<{ width: number; height: number; contentType: string } | undefined>
}
type Tools = {
  readonly home: Pick<Home, 'config' | 'database' | 'clock' | 'log'>
  readonly files: Files
  readonly processes: ImageProcesses
}

/** A picture that was asked for in more gets only squares from then on. */
const mostSizes = 40
const failureTime = 60 * 60_000
const mostFailures = 5000

export function createThumbnails(tools: Tools): Thumbnails {
  const { home, files, processes } = tools
  const making = new Map<string, Promise<Picture>>()
  // The same bytes come to the same end.
  const failures = createRecentFailures<MatrixError>(home.clock, failureTime, mostFailures)

  return {
    async find(media, wish) {
      const { contentHash } = media
      const stepped = stepOf(wish)
      const known = await select(home, contentHash, stepped)
      if (known) return known
      const failure = failures.of(contentHash)
      if (failure) throw failure
      const format = await formatOf(files, contentHash)
      if (!format) throw noPicture()
      if (isBeyondSteps(wish) && (wish.animated || format === 'jpeg')) return { ...media, contentType: `image/${format}` }
      const kept = await home.database.selectOne(countThumbnails, contentHash)
      const wanted = (kept?.count ?? 0) < mostSizes ? stepped : coarseStepOf(stepped)
      const key = `${contentHash} ${wanted.width} ${wanted.height} ${wanted.method} ${wanted.animated}`
      const running = making.get(key) ?? make(tools, failures, { media, format, wanted }).finally(() => making.delete(key))
      making.set(key, running)
      return running
    },
    async measure(contentHash) {
      const format = await formatOf(files, contentHash)
      if (!format) return undefined
      const mostPixels = home.config.media.max_image_pixels
      const result = await processes.run({ path: await files.pathOf(contentHash), format, mostPixels, wanted: undefined })
      return result.outcome === 'measured' ? { width: result.width, height: result.height, contentType: `image/${format}` } : undefined
    },
  }
}

type Making = { readonly media: Pick<Picture, 'contentHash' | 'size'>; readonly format: ImageFormat; readonly wanted: Wanted }

/** Has a thumbnail made, keeps it, and writes down what it is. */
async function make(tools: Tools, failures: RecentFailures<MatrixError>, { media, format, wanted }: Making): Promise<Picture> {
  const { home, files, processes } = tools
  const { contentHash } = media
  const known = await select(home, contentHash, wanted)
  if (known) return known
  const mostPixels = home.config.media.max_image_pixels
  const result = await processes.run({ path: await files.pathOf(contentHash), format, mostPixels, wanted })
  if (result.outcome === 'stopped') throw new MatrixError(503, 'M_UNKNOWN', 'the server is ending')
  if (result.outcome === 'killed') home.log.warn('a picture ended the process that decoded it', { contentHash })
  if (result.outcome !== 'made' && result.outcome !== 'original') {
    const isLarge = result.outcome === 'refused' && result.reason === 'too large'
    const error = isLarge ? tooLarge('the picture is too large for a thumbnail') : noPicture()
    failures.add(contentHash, error)
    throw error
  }
  const picture =
    result.outcome === 'original'
      ? { ...media, contentType: `image/${format}` }
      : { ...(await files.keep(Readable.from([Buffer.from(result.bytes)]), result.bytes.length)), contentType: result.contentType }
  const { width, height, method, animated } = wanted
  const row = [contentHash, width, height, method, +animated, picture.contentHash, picture.size, picture.contentType] as const
  await home.database.commit({ writes: [write(insertThumbnail, ...row, home.clock.now())] })
  return picture
}

async function select({ database }: Pick<Home, 'database'>, contentHash: string, wanted: Wanted): Promise<Picture | undefined> {
  const { width, height, method, animated } = wanted
  const row = await database.selectOne(selectThumbnail, contentHash, width, height, method, +animated)
  return row && { contentHash: row.thumbnail_hash, size: row.size, contentType: row.content_type }
}

async function formatOf(files: Files, contentHash: string): Promise<ImageFormat | undefined> {
  const file = await open(await files.pathOf(contentHash))
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0)
    return sniffImage(buffer.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}

function noPicture(): MatrixError {
  return unknown('no thumbnail can be made of this')
}
