import type { Home } from '../home.ts'
import { type Write, write } from '../storage/database.ts'
import { type Fetched, fetchFollowing, readStart } from './fetch-page.ts'
import type { Files } from './files.ts'
import { insertMedia } from './media.store.ts'
import { decodePage } from './page-text.ts'
import type { Thumbnails } from './thumbnails.ts'

export type PreviewTools = {
  readonly home: Pick<Home, 'config' | 'database' | 'clock' | 'egress' | 'random'>
  readonly files: Files
  readonly thumbnails: Pick<Thumbnails, 'measure'>
}
/** What is told of a page, and what is to be written with it: its picture becomes a file of this server. */
export type Preview = {
  readonly properties: Readonly<Record<string, string | number>>
  readonly mediaId: string | null
  readonly writes: readonly Write[]
}

const mostHtml = 512 * 1024
const mostImage = 10 * 1024 * 1024
/** The user of files that are nobody's. */
const nobody = ''
const asksForImage = { Accept: 'image/webp,image/png,image/jpeg,image/gif;q=0.9,image/*;q=0.1', 'Accept-Encoding': 'identity' }

/** What an answer from the web tells: a page of itself, a picture its size, anything else nothing. Reads or destroys the answer's body. */
export async function describePage(tools: PreviewTools, page: Fetched, deadline: AbortSignal): Promise<Preview> {
  const type = page.contentType.split(';', 1)[0]!.trim().toLowerCase()
  if (type.startsWith('image/')) return describeImage(tools, page, {})
  if (type !== 'text/html' && type !== 'application/xhtml+xml') {
    page.body.destroy()
    return { properties: {}, mediaId: null, writes: [] }
  }
  // Not before the first page: most servers start without ever needing it.
  const { readPage } = await import('./page-metadata.ts')
  const { properties, image } = await readPage(decodePage(await readStart(page, mostHtml), page.contentType))
  const found = image !== undefined && URL.canParse(image, page.url) ? new URL(image, page.url).href : undefined
  const picture = found && (await fetchFollowing(tools.home, found, { headers: asksForImage, deadline }))
  return picture ? describeImage(tools, picture, properties) : { properties, mediaId: null, writes: [] }
}

/** What is no picture, or too large, is left out. */
async function describeImage(
  { home, files, thumbnails }: PreviewTools,
  { body, encoding }: Fetched,
  properties: Readonly<Record<string, string>>,
): Promise<Preview> {
  const limit = Math.min(mostImage, home.config.media.max_upload_size)
  const stored = encoding === 'identity' ? await files.keep(body, limit).catch(() => undefined) : undefined
  body.destroy()
  const measured = stored && (await thumbnails.measure(stored.contentHash))
  if (!stored || !measured) return { properties, mediaId: null, writes: [] }
  const { width, height, contentType } = measured
  const mediaId = home.random(18).toString('base64url')
  return {
    properties: {
      ...properties,
      'og:image': `mxc://${home.config.server_name}/${mediaId}`,
      'og:image:type': contentType,
      'og:image:width': width,
      'og:image:height': height,
      'matrix:image:size': stored.size,
    },
    mediaId,
    writes: [write(insertMedia, mediaId, nobody, stored.contentHash, stored.size, contentType, null, home.clock.now())],
  }
}
