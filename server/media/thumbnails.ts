import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { type MatrixError, tooLarge, unknown } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import { write } from '../storage/database.ts'
import type { Files } from './files.ts'
import { headBytes, type ImageFormat, sniffImage } from './image-format.ts'
import type { ImageResult } from './image-job.ts'
import type { ImageProcesses } from './image-processes.ts'
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

export function createThumbnails({ home, files, processes }: Tools): Thumbnails {
  const making = new Map<string, Promise<Picture>>()
  const failures = new Map<string, { error: MatrixError; until: number }>()

  async function find(media: Pick<Picture, 'contentHash' | 'size'>, wish: Wanted): Promise<Picture> {
    const { contentHash } = media
    const stepped = stepOf(wish)
    const known = await select(contentHash, stepped)
    if (known) return known
    const failure = failures.get(contentHash)
    if (failure && failure.until > home.clock.now()) throw failure.error
    const format = await formatOf(files, contentHash)
    if (!format) throw noPicture()
    if (isBeyondSteps(wish) && (wish.animated || format === 'jpeg')) return { ...media, contentType: `image/${format}` }
    const kept = await home.database.selectOne(countThumbnails, contentHash)
    const wanted = (kept?.count ?? 0) < mostSizes ? stepped : coarseStepOf(stepped)
    const key = `${contentHash} ${wanted.width} ${wanted.height} ${wanted.method} ${wanted.animated}`
    const running = making.get(key) ?? make(media, format, wanted).finally(() => making.delete(key))
    making.set(key, running)
    return running
  }

  async function make(media: Pick<Picture, 'contentHash' | 'size'>, format: ImageFormat, wanted: Wanted): Promise<Picture> {
    const { contentHash } = media
    const known = await select(contentHash, wanted)
    if (known) return known
    const mostPixels = home.config.media.max_image_pixels
    const result = await processes.run({ path: files.pathOf(contentHash), format, mostPixels, wanted })
    if (result.outcome === 'killed') home.log.warn('a picture ended the process that decoded it', { contentHash })
    const picture = result.outcome === 'original' ? { ...media, contentType: `image/${format}` } : await keepMade(contentHash, result)
    await remember(contentHash, wanted, picture)
    return picture
  }

  async function select(contentHash: string, { width, height, method, animated }: Wanted): Promise<Picture | undefined> {
    const row = await home.database.selectOne(selectThumbnail, contentHash, width, height, method, +animated)
    return row && { contentHash: row.thumbnail_hash, size: row.size, contentType: row.content_type }
  }

  async function keepMade(contentHash: string, result: ImageResult | { outcome: 'killed' }): Promise<Picture> {
    if (result.outcome === 'made') {
      const stored = await files.keep(Readable.from([Buffer.from(result.bytes)]), result.bytes.length)
      return { ...stored, contentType: result.contentType }
    }
    const isLarge = result.outcome === 'refused' && result.reason === 'too large'
    const error = isLarge ? tooLarge('the picture is too large for a thumbnail') : noPicture()
    // The same bytes come to the same end.
    failures.delete(contentHash)
    failures.set(contentHash, { error, until: home.clock.now() + failureTime })
    if (failures.size > mostFailures) failures.delete(failures.keys().next().value!)
    throw error
  }

  async function remember(contentHash: string, wanted: Wanted, { contentHash: hash, size, contentType }: Picture): Promise<void> {
    const { width, height, method, animated } = wanted
    const row = [contentHash, width, height, method, +animated, hash, size, contentType, home.clock.now()] as const
    await home.database.commit({ writes: [write(insertThumbnail, ...row)] })
  }

  async function measure(contentHash: string) {
    const format = await formatOf(files, contentHash)
    if (!format) return undefined
    const mostPixels = home.config.media.max_image_pixels
    const result = await processes.run({ path: files.pathOf(contentHash), format, mostPixels, wanted: undefined })
    return result.outcome === 'measured' ? { width: result.width, height: result.height, contentType: `image/${format}` } : undefined
  }

  return { find, measure }
}

async function formatOf(files: Files, contentHash: string): Promise<ImageFormat | undefined> {
  const file = await open(files.pathOf(contentHash))
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
