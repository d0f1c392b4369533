import { open } from 'node:fs/promises'
import { setPriority } from 'node:os'
import sharp from 'sharp'
import { headBytes, isStillPng } from './image-format.ts'
import type { ImageJob, ImageResult } from './image-job.ts'
import { type Size, targetSize, type Wanted } from './thumbnail-size.ts'

/*
 * A process of its own in which pictures are decoded: it knows no secret, is started with few rights, and may die of a picture.
 * `image-processes.ts` starts it and asks one job at a time.
 */

const mostMemory = 400 * 1024 * 1024
const mostFrames = 500
const mostAnimatedPixels = 20_000_000
const mostBytes = 16 * 1024 * 1024
/** A small picture of a PNG stays one, as icons and screenshots like to; a larger one would weigh too much. */
const smallPng = 128 * 128

sharp.cache(false)
sharp.concurrency(1)
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({ operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadNsgif', 'VipsForeignLoadWebp'] })
setPriority(10)

// An orderly end would wait for a decoder that may never end.
process.on('disconnect', die)
process.on('message', (job) => void work(job as ImageJob))

async function work(job: ImageJob): Promise<void> {
  // The decoders run on threads of their own, so this one can watch.
  const watch = setInterval(() => {
    if (process.memoryUsage.rss() > mostMemory) die()
  }, 20)
  const result = await paint(job).catch(refusalOf)
  clearInterval(watch)
  process.send?.(result)
}

async function paint({ path, format, mostPixels, wanted }: ImageJob): Promise<ImageResult> {
  const limits = { limitInputPixels: mostPixels, failOn: 'error', sequentialRead: true } as const
  const metadata = await sharp(path, limits).metadata()
  if (metadata.format !== format) return { outcome: 'refused', reason: 'broken' }
  const { width, height } = metadata.autoOrient
  if (width * height > mostPixels) return { outcome: 'refused', reason: 'too large' }
  if (!wanted) return { outcome: 'measured', width, height }
  const frames = metadata.pages ?? 1
  const target = targetSize({ width, height }, wanted)
  if (!target && (wanted.animated || (frames === 1 && (await isStill(path, format))))) return { outcome: 'original' }
  const size = target ?? { width, height }
  const animated = wanted.animated && frames > 1 && frames <= mostFrames
  if (animated && frames * width * height <= mostPixels && frames * size.width * size.height <= mostAnimatedPixels) {
    return made(
      await sharp(path, { ...limits, animated: true })
        .resize(boxOf(size, wanted))
        .webp({ quality: 75, effort: 2 })
        .toBuffer(),
      'webp',
    )
  }
  const still = sharp(path, limits).autoOrient().resize(boxOf(size, wanted))
  const isSmallPng = format === 'png' && size.width * size.height <= smallPng
  if (metadata.hasAlpha || isSmallPng) return made(await still.png({ compressionLevel: 6 }).toBuffer(), 'png')
  return made(await still.jpeg({ quality: 80 }).toBuffer(), 'jpeg')
}

function boxOf(size: Size, { method }: Wanted) {
  return { ...size, fit: method === 'crop' ? 'cover' : 'fill' } as const
}

function made(bytes: Buffer, kind: string): ImageResult {
  return bytes.length > mostBytes ? { outcome: 'refused', reason: 'too large' } : { outcome: 'made', bytes, contentType: `image/${kind}` }
}

/** Animated PNGs look like still ones to the decoder. */
async function isStill(path: string, format: ImageJob['format']): Promise<boolean> {
  if (format !== 'png') return true
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0)
    return isStillPng(buffer.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}

function refusalOf(error: unknown): ImageResult {
  return { outcome: 'refused', reason: /exceeds pixel limit/.test(String(error)) ? 'too large' : 'broken' }
}

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}
