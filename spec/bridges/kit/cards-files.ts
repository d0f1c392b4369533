import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { OutgoingText, SendResult, Session } from '../../../bridges/kit/connector.ts'
import type { Files } from '../../../bridges/kit/files.ts'
import type { EncryptedFile } from '../../../bridges/kit/media/encrypted-attachment.ts'
import { MediaFailure } from '../../../bridges/kit/media/failure.ts'
import { createSpool } from '../../../bridges/kit/media/spool.ts'
import { takeIn } from '../../../bridges/kit/media/take-in.ts'
import { makeThumbnail } from '../../../bridges/kit/media/thumbnail.ts'

/** What of a spec's world has to do with files. */
type World = {
  readonly folder: string
  readonly files: Map<string, Buffer>
  readonly remoteFiles: Map<string, Buffer | 'later'>
  readonly sent: { to: string; text: string; key: string; replyTo?: string; media?: string }[]
  answers: ((message: OutgoingText, key: string) => SendResult)[]
}

/** The smallest picture there is: one pixel. */
export const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

/** The real spool and the real taking in, before a homeserver that keeps files in the world. */
export function filesOf(world: World): Files {
  const folder = join(world.folder, 'spool')
  mkdirSync(folder, { recursive: true })
  const spool = createSpool({ folder, quota: 10_000_000 })
  const take: Files['take'] = (input, declaredType) => takeIn(input, { spool, limit: 1_000_000, declaredType })
  return {
    take,
    thumbnail: (file) => makeThumbnail(file, (input) => take(input, undefined)),
    async upload(_userId, { bytes }, encrypted) {
      const url = `mxc://hs.test/${world.files.size}`
      world.files.set(url, await bytes.read(0, bytes.size))
      return encrypted ? { file: { url, v: 'v2' } as EncryptedFile } : { url }
    },
    async download({ file, url, mime }) {
      const bytes = world.files.get(String((file as { url?: unknown } | undefined)?.url ?? url))
      if (!bytes) throw new MediaFailure('gone', 'The file is not there.')
      return take(once(bytes), mime)
    },
  }
}

/** What a network does with files. */
export function mediaOf(world: World): Pick<Session, 'fetchMedia' | 'takeMedia' | 'sendMedia'> {
  return {
    async fetchMedia({ source }) {
      const bytes = world.remoteFiles.get('id' in source ? source.id : source.url)
      if (bytes === 'later') return { kind: 'retry', class: 'server', words: 'The network has trouble of its own.' }
      return bytes ? { kind: 'open', body: once(bytes) } : { kind: 'refused', class: 'media_gone', words: 'The network has it no more.' }
    },
    async takeMedia({ kind, size, mime }) {
      if (size > 500_000) return { kind: 'refused', class: 'too_large', words: 'The file is too large. Send a smaller one.' }
      return { kind: 'taken', id: `${mime} ${size}`, as: kind }
    },
    async sendMedia({ to, media, name, caption, replyTo }, key) {
      const answer = world.answers.shift()
      const result = answer ? answer({ to, text: name }, key) : ({ kind: 'sent', id: `m${world.sent.length}` } as const)
      const more = { media: `${media.as} ${name} ${media.id}`, ...(replyTo === undefined ? {} : { replyTo }) }
      if (result.kind === 'sent' || result.kind === 'unknown') world.sent.push({ to: to[0].value, text: caption ?? '', key, ...more })
      return result
    },
  }
}
