import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import type { TakenIn } from './take-in.ts'
import { thumbnailBox } from './thumbnail-box.ts'

const decodable = ['image/jpeg', 'image/png', 'image/webp', 'image/gif']
const timeLimit = 10_000
/** Kilobytes of writable memory: V8 reserves about 600 MB at its start and uses little of it. No core dumps, and no file may grow. */
const bounds = 'ulimit -c 0; ulimit -f 0; ulimit -d 1400000; exec "$0" "$@"'
const program = fileURLToPath(new URL('thumbnail-process.ts', import.meta.url))
let last: Promise<unknown> = Promise.resolve()

/**
 * A picture made small, taken in by `take`; undefined for what is small already, is no picture, or cannot be decoded. One picture at a time is decoded, in a
 * process of its own that has no rights and ten seconds.
 */
export function makeThumbnail(file: TakenIn, take: (input: AsyncIterable<Uint8Array>) => Promise<TakenIn>): Promise<TakenIn | undefined> {
  const { mime, width = 0, height = 0 } = file
  if (!decodable.includes(mime) || (width <= thumbnailBox.width && height <= thumbnailBox.height)) return Promise.resolve(undefined)
  const made = last.then(() => decode(file, take)).catch(() => undefined)
  last = made
  return made
}

async function decode({ bytes }: TakenIn, take: (input: AsyncIterable<Uint8Array>) => Promise<TakenIn>): Promise<TakenIn | undefined> {
  const child = spawn('/bin/sh', ['-c', bounds, process.execPath, program], {
    // Nothing of the bridge's environment: it may hold secrets.
    env: { NODE_NO_WARNINGS: '1' },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), timeLimit)
  const ended = once(child, 'close')
  try {
    const feeding = pipeline(Readable.from(bytes.stream()), child.stdin)
    const [small] = await Promise.all([take(child.stdout), feeding.catch(() => undefined)])
    const [code] = await ended
    if (code === 0 && small.kind === 'image') return small
    await small.bytes.discard()
    return undefined
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
  }
}
