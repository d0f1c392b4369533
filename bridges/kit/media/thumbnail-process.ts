import { pipeline } from 'node:stream/promises'
import sharp from 'sharp'
import { thumbnailBox } from './thumbnail-box.ts'

/*
 * A process of its own for one picture: read from the standard input, decoded, made small, written to the standard output. It knows no secret and may die of
 * what it reads; `thumbnail.ts` starts it.
 */

const mostPixels = 50_000_000
const mostMemory = 400 * 1024 * 1024

sharp.cache(false)
sharp.concurrency(1)
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({ operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadNsgif', 'VipsForeignLoadWebp'] })
// The decoders run on threads of their own, so this one can watch.
setInterval(() => {
  if (process.memoryUsage.rss() > mostMemory) process.kill(process.pid, 'SIGKILL')
}, 20).unref()

const small = sharp({ limitInputPixels: mostPixels, failOn: 'error', sequentialRead: true })
  .autoOrient()
  .resize({ ...thumbnailBox, fit: 'inside', withoutEnlargement: true })
  .flatten({ background: '#ffffff' })
  .jpeg({ quality: 75 })
await pipeline(process.stdin, small, process.stdout).catch(() => process.exit(1))
