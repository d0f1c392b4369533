import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { networks } from '../../config/bridge-schema.ts'
import { place as lookedFor, mp4, oggOpus, png, webp, webpLossless } from '../bridges/kit/media/crafted-files.ts'
import { meetEverybody, names, prefixes } from './cast.ts'
import { breathe, find, inRoom, onPhone, others } from './looks.ts'
import { type Network, openScene, type Scene } from './scene.ts'

const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const pdf = Buffer.from('%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n')
/** One of each kind; `changed`: its bytes do not stay, because a place is taken out of them. */
const files = {
  image: { mime: 'image/png', name: 'bike.png', bytes: png({ width: 8, height: 8 }), msgtype: 'm.image', changed: false },
  video: { mime: 'video/mp4', name: 'ride.mp4', bytes: mp4(), msgtype: 'm.video', changed: true },
  voice: { mime: 'audio/ogg', name: 'voice.ogg', bytes: oggOpus(2), msgtype: 'm.audio', changed: false },
  file: { mime: 'application/pdf', name: 'offer.pdf', bytes: pdf, msgtype: 'm.file', changed: false },
  sticker: { mime: 'image/webp', name: 'wave.webp', bytes: webp(webpLossless(8, 8)), msgtype: 'm.image', changed: false },
} as const
type Kind = keyof typeof files
const kinds = Object.keys(files) as Kind[]
/** What a network does not take in any form: the room is told. */
const refused: Readonly<Partial<Record<Kind, readonly Network[]>>> = { voice: ['instagram'], sticker: ['instagram'] }

describe('in one encrypted room of three networks', () => {
  let scene: Scene
  before(async () => {
    scene = await openScene()
    await meetEverybody(scene)
  })
  after(() => scene?.close())
  beforeEach(() => breathe(scene))

  describe('a file', () => {
    const filesOf = async (network: Network) =>
      (await scene.people[network].sees()).flatMap(({ from, files: list = [] }) => (from === 'me' ? [] : list))
    const nextFile = (network: Network, before: number) =>
      find(
        `a file for ${network}`,
        async () => (await filesOf(network))[before],
        async () => [await scene.people[network].sees(), scene.alice.sees().slice(-3)],
      )
    const countFiles = async () => {
      const counts = await Promise.all(networks.map(async (network) => [network, (await filesOf(network)).length] as const))
      return Object.fromEntries(counts) as Record<Network, number>
    }
    /** Each of them has the file once, or the room knows why not. */
    async function reaches(kind: Kind, event: string, where: readonly Network[], before: Record<Network, number>): Promise<void> {
      const { bytes, changed } = files[kind]
      for (const network of where) {
        if (refused[kind]?.includes(network)) {
          await inRoom(scene.alice, ({ replyTo, text }) => replyTo === event && text.startsWith(names[network]))
          expect((await filesOf(network)).length, network).to.equal(before[network])
          continue
        }
        const got = await nextFile(network, before[network])
        if (!changed) expect(got.sha256, network).to.equal(hashOf(bytes))
      }
    }

    for (const kind of kinds) {
      const { mime, name, bytes, msgtype, changed } = files[kind]

      it(`of the Matrix user (${kind}) reaches each network under their name, with its caption`, async () => {
        const before = await countFiles()
        const caption = `the ${kind} of Alice`
        const event = await scene.alice.sends({
          ...{ mime, name, bytes, caption, kind: kind === 'sticker' ? 'm.sticker' : msgtype },
          ...(kind === 'voice' ? { voice: true as const } : {}),
        })
        await reaches(kind, event, networks, before)
        for (const network of networks) await onPhone(scene, network, prefixes.matrix + caption)
      })

      for (const by of networks) {
        it(`from ${by} (${kind}) stands in the room as what it is, and reaches the others`, async () => {
          const before = await countFiles()
          const known = new Set(scene.alice.sees().map(({ event }) => event))
          const text = kind === 'image' || kind === 'video' ? `the ${kind} from ${by}` : ''
          await scene.people[by].sends({ files: [{ kind, mime, name, data: bytes.toString('base64') }], ...(text ? { text } : {}) })
          const seen = await inRoom(scene.alice, ({ event, content }) => !known.has(event) && content['file'] !== undefined)
          expect(seen.from).to.include(names[by])
          expect(['m.sticker', msgtype]).to.include(seen.kind)
          if (text) expect(seen.text).to.equal(text)
          const opened = await scene.alice.opens(seen.event)
          if (changed) expect(opened.includes(lookedFor)).to.equal(false)
          else expect(hashOf(opened)).to.equal(hashOf(bytes))
          await reaches(kind, seen.event, others(by), before)
          for (const other of others(by))
            await onPhone(scene, other, ({ text: words }) => words.startsWith(`${prefixes[by]}${text}`.trim()))
        })
      }
    }

    it('leaves the Matrix user nothing that is not encrypted, or not by the device of who sent it', async () => {
      expect(await scene.alice.faults()).to.deep.equal([])
    })
  })

  describe('a place, a contact card, a link and what is not carried', () => {
    const coordinates = '52.52,13.405'
    const isPlace = (prefix: string) => (seen: { text: string; place?: unknown }) =>
      (seen.text.startsWith(prefix) && seen.text.includes(coordinates)) || seen.place !== undefined

    it('a place of the Matrix user reaches each network with its coordinates', async () => {
      await scene.alice.points({ latitude: 52.52, longitude: 13.405, name: 'the old bridge' })
      for (const network of networks) await onPhone(scene, network, isPlace(prefixes.matrix))
    })

    for (const by of ['whatsapp', 'messenger'] as const) {
      it(`a place from ${by} can be opened in the room, and reaches the others`, async () => {
        await breathe(scene)
        await scene.people[by].sends({ place: { latitude: 52.52, longitude: 13.405, name: `bridge of ${by}` } })
        const seen = await inRoom(scene.alice, ({ kind, from }) => kind === 'm.location' && from.startsWith(names[by]))
        expect(seen.content['geo_uri']).to.equal(`geo:${coordinates}`)
        for (const other of others(by)) await onPhone(scene, other, isPlace(prefixes[by]))
      })
    }

    it('a contact card shows a name, and in a shared room no number', async () => {
      const phones = [{ phone: '+1 555 999 8888', type: 'CELL' }]
      await scene.people.whatsapp.sends({ cards: [{ name: { formatted_name: 'Dora Dent', first_name: 'Dora' }, phones }] })
      await inRoom(scene.alice, ({ text }) => text.includes('Dora Dent'))
      for (const other of others('whatsapp')) await onPhone(scene, other, ({ text }) => text.includes('Dora Dent'))
      const everything = [scene.alice.sees(), await scene.people.messenger.sees(), await scene.people.instagram.sees()]
      expect(JSON.stringify(everything).replace(/\D/g, '')).not.to.include('5559998888')
    })

    it('a contact card of the Matrix user reaches each network as a contact, or in words', async () => {
      const bytes = Buffer.from('BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Emil Eder\r\nN:Eder;Emil;;;\r\nEMAIL:emil@bikes.example\r\nEND:VCARD\r\n')
      await scene.alice.sends({ kind: 'm.file', mime: 'text/vcard', name: 'emil.vcf', bytes })
      for (const network of networks) {
        const seen = await onPhone(scene, network, ({ text, cards }) => `${text}${JSON.stringify(cards ?? '')}`.includes('Emil Eder'))
        expect(seen.cards !== undefined, network).to.equal(network === 'whatsapp')
      }
    })

    it('a link stays a link for everybody', async () => {
      for (const by of ['matrix', ...networks] as const) {
        const link = `https://bikes.example/${by}?colour=blue&size=54`
        if (by === 'matrix') await scene.alice.says(`look: ${link}`)
        else await scene.people[by].says(`look: ${link}`)
        await inRoom(scene.alice, `look: ${link}`)
        for (const network of networks.filter((one) => one !== by)) await onPhone(scene, network, `${prefixes[by]}look: ${link}`)
      }
    })

    it('what is forwarded is marked for everybody', async () => {
      await scene.people.whatsapp.sends({
        files: [{ kind: 'image', mime: 'image/png', data: files.image.bytes.toString('base64') }],
        text: 'a joke',
        forwarded: 'often',
      })
      await inRoom(scene.alice, '↪ Forwarded many times:\na joke')
      for (const other of others('whatsapp')) await onPhone(scene, other, `${prefixes.whatsapp}↪ Forwarded many times:\na joke`)
    })

    it('what the API hides is told in the room, with what to do', async () => {
      await scene.people.whatsapp.says('which day?', { unsupported: 'poll_creation' })
      await inRoom(scene.alice, ({ kind, text }) => kind === 'm.notice' && text.includes('a poll: answer it in words'))
      await scene.people.instagram.says('…', { unsupported: 'anything' })
      await inRoom(scene.alice, ({ kind, from }) => kind === 'm.notice' && from.startsWith(names.instagram))
    })
  })
})
