import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { type MediaKind, mediaKinds } from '../../../bridges/kit/connector.ts'
import { stripLocation } from '../../../bridges/kit/media/strip-location.ts'
import { jpeg, mp4, oggOpus, webp, webpLossless } from '../kit/media/crafted-files.ts'
import type { SentFile } from './seat.ts'
import type { Stage } from './stage.ts'
import { arrived, bodyOf, ghostSays, type Sights, type Story } from './story.ts'

const samples: Readonly<Record<MediaKind, SentFile>> = {
  image: { kind: 'image', mime: 'image/jpeg', bytes: jpeg() },
  video: { kind: 'video', mime: 'video/mp4', bytes: mp4() },
  audio: { kind: 'audio', mime: 'audio/mp4', bytes: mp4({ pictures: false }) },
  voice: { kind: 'voice', mime: 'audio/ogg', bytes: oggOpus(3) },
  file: { kind: 'file', mime: 'application/pdf', bytes: Buffer.from('%PDF-1.4\n%%EOF\n'), name: 'offer.pdf' },
  sticker: { kind: 'sticker', mime: 'image/webp', bytes: webp(webpLossless(8, 8)) },
}
/** Without what the kit takes out of files: that has specs of its own. */
async function sampleOf(kind: MediaKind): Promise<SentFile> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stripLocation(once(samples[kind].bytes))) chunks.push(chunk)
  return { ...samples[kind], bytes: Buffer.concat(chunks) }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

const msgtypes: Readonly<Record<MediaKind, string>> = {
  ...{ image: 'm.image', video: 'm.video', audio: 'm.audio' },
  ...{ voice: 'm.audio', file: 'm.file', sticker: 'm.sticker' },
}
const voiceMark = 'org.matrix.msc3245.voice'
const dayMs = 86_400_000
const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** A file of the person in the room: its kind there, and that its bytes are the ones that they sent. */
async function inward(stage: Stage, kind: MediaKind, { told }: Sights): Promise<void> {
  const sample = await sampleOf(kind)
  const id = await stage.hears({ file: sample })
  if (id === 'cannot') return void told.set(kind, false)
  const event = ghostSays(stage).at(-1)
  const shown = event?.type === 'm.sticker' ? 'm.sticker' : event?.content['msgtype']
  const isVoice = event?.content[voiceMark] !== undefined
  told.set(kind, shown === msgtypes[kind] && isVoice === (kind === 'voice'))
  expect(shown, kind).to.be.oneOf(['m.sticker', 'm.image', 'm.video', 'm.audio', 'm.file'])
  const { url } = (event?.content['file'] ?? {}) as { url?: string }
  expect(stage.world.files.get(url ?? '')?.length, kind).to.equal(sample.bytes.length)
  expect(event?.content['info'], kind).to.include({ size: sample.bytes.length })
}

const nameOf = (kind: MediaKind) => samples[kind].name ?? `the ${kind}`

/** Alice sends a file from her client. */
async function outwardOf(stage: Stage, kind: MediaKind, caption?: string): Promise<string> {
  const { bytes, mime } = await sampleOf(kind)
  const url = `mxc://hs.test/alice-${kind}`
  stage.world.files.set(url, bytes)
  const info = { mimetype: mime, size: bytes.length }
  if (kind === 'sticker') return stage.says({ body: 'a sticker', url, info }, 'm.sticker')
  const voice = kind === 'voice' ? { [voiceMark]: {} } : {}
  const filename = nameOf(kind)
  return stage.says({ msgtype: msgtypes[kind], body: caption ?? filename, filename, url, info, ...voice })
}

async function outward(stage: Stage, kind: MediaKind, { files }: Sights): Promise<void> {
  const event = await outwardOf(stage, kind)
  const [seen] = await arrived(stage)
  files.set(kind, seen?.file?.kind ?? 'refused')
  if (!seen) {
    expect(stage.statusesOf(event), kind).to.deep.equal(['FAIL_PERMANENT'])
    expect(stage.notices(), kind).to.have.length(1)
    return
  }
  expect(stage.statusesOf(event)[0], kind).to.equal('SUCCESS')
  const { bytes } = await sampleOf(kind)
  expect(seen.file, kind).to.include({ size: bytes.length, sha256: hashOf(bytes) })
}

/** Files, both ways. */
export const files: readonly Story[] = [
  ...mediaKinds.flatMap((kind): Story[] => [
    {
      covers: [`told ${kind}`],
      name: `a ${kind} of the person stands in the room, byte for byte, as what it is`,
      tell: (stage, sights) => inward(stage, kind, sights),
    },
    {
      covers: [`file ${kind}`],
      name: `a ${kind} of the room gets to the phone, byte for byte, as what the network takes it for, or is refused in words`,
      tell: (stage, sights) => outward(stage, kind, sights),
    },
  ]),
  {
    name: 'a file of the person is not encrypted where the room is not',
    async tell(stage) {
      stage.world.open.add('!room0')
      await stage.hears({ file: samples.file })
      const { content } = stage.world.events.at(-1) ?? {}
      expect(content).to.include({ msgtype: 'm.file' }).and.not.to.have.property('file')
      expect(stage.world.files.get(String(content?.['url']))?.length).to.equal(samples.file.bytes.length)
    },
  },
  {
    name: 'a caption of the person stays with their picture, or stands before it',
    async tell(stage) {
      const id = await stage.hears({ file: samples.image, text: 'my *old* bike' })
      if (id === 'cannot') return
      expect(ghostSays(stage).map(bodyOf)).to.deep.equal(['hello', 'my *old* bike'])
      const { formatted_body: html } = ghostSays(stage).at(-1)?.content ?? {}
      expect(html).to.equal(stage.caps.out.formatting === 'native' ? 'my <strong>old</strong> bike' : undefined)
    },
  },
  {
    name: 'a caption of the room goes with the file where the network has captions, and before it elsewhere',
    async tell(stage) {
      const kind = stage.caps.files.image ? 'image' : 'file'
      await outwardOf(stage, kind, 'my bike')
      const seen = (await arrived(stage)).map((one) => `${one.text}${one.file ? ` +${one.file.kind}` : ''}`)
      const has = stage.caps.files[kind]?.caption !== undefined
      expect(seen).to.deep.equal(has ? [`my bike +${kind}`] : ['my bike', ` +${kind}`])
    },
  },
  {
    name: 'what is forwarded, or answers, says so also when it is a file',
    async tell(stage) {
      const id = await stage.hears({ file: samples.image, forwarded: true })
      if (id !== 'cannot') expect(bodyOf(ghostSays(stage).at(-1))).to.equal('↪ Forwarded:')
      const theirs = (await stage.seat.phone.sees()).find(({ mine }) => mine)!
      const answer = await stage.hears({ file: samples.file, replyTo: theirs.id })
      if (answer === 'cannot') return
      const [hello] = ghostSays(stage)
      const relation = ghostSays(stage).at(-1)?.content['m.relates_to']
      expect(relation).to.deep.equal({ 'm.in_reply_to': { event_id: hello?.id } })
    },
  },
  {
    name: 'several pictures in one message stand one after another, and go together when they are taken back',
    async tell(stage) {
      const id = await stage.hears({ album: [samples.image, samples.image], text: 'two sides of it' })
      if (id === 'cannot') return
      const [, ...pictures] = ghostSays(stage)
      expect(pictures.map(({ content }) => content['msgtype'])).to.deep.equal(['m.image', 'm.image'])
      expect(pictures.map(bodyOf)).to.deep.equal(['two sides of it', 'picture.jpg'])
      await stage.seat.phone.unsends(id)
      await stage.settle()
      expect(ghostSays(stage)).to.have.length(stage.caps.tells.has('deleted') ? 1 : 3)
    },
  },
  {
    name: 'a file of which the bridge hears days later, when its address has expired, is still had',
    async tell(stage) {
      const sample = await sampleOf(stage.caps.tells.has('image') ? 'image' : 'file')
      await stage.seat.tell({ held: true })
      await stage.hears({ file: sample })
      await stage.wait(3 * dayMs)
      await stage.seat.tell({})
      await stage.settle()
      expect(ghostSays(stage).at(-1)?.content['info']).to.include({ size: sample.bytes.length })
    },
  },
  {
    name: 'a file of the room that is larger than the network takes is refused in words that say what to do',
    async tell(stage) {
      const bytes = Buffer.alloc(600_000, 1)
      const { maxBytes } = stage.caps.files.file ?? { maxBytes: 0 }
      stage.world.files.set('mxc://hs.test/large', bytes)
      const event = await stage.says({ msgtype: 'm.file', body: 'large.bin', url: 'mxc://hs.test/large' })
      if (bytes.length <= maxBytes && stage.caps.files.file?.mimes === undefined) {
        expect((await arrived(stage))[0]?.file?.size).to.equal(bytes.length)
        return
      }
      expect(await arrived(stage)).to.deep.equal([])
      expect(stage.statusesOf(event)).to.deep.equal(['FAIL_PERMANENT'])
      expect(stage.notices()[0]).to.match(/Ana: .*(smaller|larger|type)/)
    },
  },
]
