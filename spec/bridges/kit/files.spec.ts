import { expect } from 'chai'
import sharp from 'sharp'
import type { InboundEvent } from '../../../bridges/kit/connector.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { pixel } from './cards-files.ts'
import { account, createWorld, messagesIn, type World } from './house-of-cards.ts'
import { alice, ana, answering, ben, ghostOf, hub, live, mark, said, wrote } from './story.ts'

describe('a file', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    await meet(world)
  })
  afterEach(() => removeFolder(world.folder))

  async function meet(of: World): Promise<void> {
    of.remoteFiles.set('f1', pixel).set('f2', Buffer.from('%PDF-1.7 a document'))
    await live(of, { heard: [said(ana, 'w1', 'hello')] })
    of.files.set('mxc://hs.test/bike', pixel)
  }

  const files = (id: string, media: readonly object[], more: object = {}) =>
    ({ ...{ type: 'media', account, own: false, chat: ana, id, media }, ...more }) as unknown as InboundEvent
  const picture = { kind: 'image', source: { id: 'f1' } }
  const document = { kind: 'file', source: { id: 'f2' }, name: 'offer.pdf' }
  const shown = (of: World = world) => of.events.filter(({ clear }) => clear['file'] !== undefined).map(({ clear }) => clear)
  const image = (more: Record<string, unknown> = {}) => ({
    ...{ msgtype: 'm.image', body: 'bike.png', file: { url: 'mxc://hs.test/bike' }, info: { mimetype: 'image/png' } },
    ...more,
  })

  it('from the network stands in the room as what it is, with its measures and caption', async () => {
    await live(world, { heard: [files('w2', [picture], { text: 'my bike' }), files('w3', [document])] })
    const [first, second] = shown()
    expect(first).to.deep.include({ msgtype: 'm.image', body: 'my bike', filename: 'picture.png' })
    expect(first!['info']).to.deep.equal({ mimetype: 'image/png', size: pixel.length, w: 1, h: 1 })
    expect(second).to.deep.include({ msgtype: 'm.file', body: 'offer.pdf' })
    expect([...world.files.values()].some((bytes) => bytes.equals(pixel))).to.equal(true)
  })

  it('that is a large picture comes with a small one, encrypted like it', async () => {
    const bytes = await sharp({ create: { width: 1600, height: 1200, channels: 3, background: '#208040' } })
      .jpeg()
      .toBuffer()
    world.remoteFiles.set('f1', bytes)
    await live(world, { heard: [files('w2', [picture])] })
    const info = shown()[0]!['info'] as Record<string, Record<string, string>>
    expect(info['thumbnail_info']).to.include({ mimetype: 'image/jpeg', w: 800, h: 600 })
    const small = world.files.get(info['thumbnail_file']!['url']!)
    expect(await sharp(small).metadata()).to.include({ format: 'jpeg', width: 800, height: 600 })
  })

  it('that claims to be a picture and is none is shown as the file it is', async () => {
    await live(world, { heard: [files('w2', [{ kind: 'image', source: { id: 'f2' } }])] })
    expect(shown()[0]).to.include({ msgtype: 'm.file' })
  })

  it('of an album stands there as often as there are files, each once, wherever the process ends', async () => {
    const story = { heard: [files('w2', [picture, document], { text: 'both' })] }
    const points = await live(world, story)
    for (let at = 1; at <= points.length; at++) {
      const again = createWorld(temporaryFolder())
      await meet(again)
      await live(again, story, { crashAt: at })
      await live(again, story)
      expect(
        shown(again).map(({ body }) => body),
        points[at - 1],
      ).to.deep.equal(['both', 'offer.pdf'])
      removeFolder(again.folder)
    }
  })

  it('that the network has no more is told in words, with its caption', async () => {
    await live(world, { heard: [files('w2', [{ kind: 'voice', source: { id: 'gone' } }])] })
    expect(messagesIn(world).at(-1)).to.equal(
      'ghost: Sent a voice message that could not be fetched. The network has it no more. Look into the chat on WhatsApp, or ask for it again.',
    )
  })

  it('that cannot be had yet is waited for, and told in words when it stays away', async () => {
    world.remoteFiles.set('f1', 'later')
    const heard = [files('w2', [picture], { at: world.now })]
    let waited: unknown
    await live(world, { heard }).catch((error: unknown) => {
      waited = error
    })
    expect(waited).to.include({ message: 'a file: server' })
    world.now += 16 * 60_000
    await live(world, {})
    expect(messagesIn(world).at(-1)).to.match(/^ghost: Sent a picture that could not be fetched/)
  })

  it('from Matrix arrives with its caption, as an answer, under the type of its bytes', async () => {
    const captioned = image({ filename: 'bike.png', body: 'my bike', info: { mimetype: 'text/html' }, ...answering('$event0') })
    await live(world, { posted: [wrote('$a', alice, captioned), wrote('$b', alice, image({ msgtype: 'm.file' }))] })
    expect(world.sent.map(({ text: words, media, replyTo }) => [words, media, replyTo])).to.deep.equal([
      ['my bike', `image bike.png image/png ${pixel.length}`, 'w1'],
      ['', `file bike.png image/png ${pixel.length}`, undefined],
    ])
  })

  it('from Matrix whose caption is too long for one goes after its words', async () => {
    await live(world, { posted: [wrote('$a', alice, image({ filename: 'bike.png', body: 'a caption of more than twenty' }))] })
    expect(world.sent.map(({ text: words, media }) => media?.slice(0, 5) ?? words)).to.deep.equal([
      'a caption of more than twenty',
      'image',
    ])
  })

  it('from Matrix that is too large, gone or not to be read is refused in words', async () => {
    world.files.set('mxc://hs.test/large', Buffer.alloc(600_000, 'a text that goes on and on, '))
    const large = image({ file: { url: 'mxc://hs.test/large' } })
    await live(world, { posted: [wrote('$a', alice, large), wrote('$b', alice, image({ file: { url: 'mxc://hs.test/gone' } }))] })
    expect(world.sent).to.deep.equal([])
    expect(messagesIn(world).slice(-2)).to.deep.equal([
      'bot: Ana: The file is too large. Send a smaller one.',
      'bot: Ana: The file is not there.',
    ])
  })

  it('from Matrix is sent at most once wherever the process ends', async () => {
    const story = { posted: [wrote('$a', alice, image())] }
    const points = await live(world, story)
    for (let at = 1; at <= points.length; at++) {
      const again = createWorld(temporaryFolder())
      await meet(again)
      await live(again, story, { crashAt: at })
      await live(again, story)
      expect(again.sent.length, points[at - 1]).to.equal(points[at - 1] === 'part submitting' ? 0 : 1)
      removeFolder(again.folder)
    }
  })

  it('in a hub goes to the others under the name of who sent it', async () => {
    const room = createWorld(temporaryFolder())
    room.remoteFiles.set('f1', pixel)
    await live(room, { heard: [said(ana, 'a1', 'one'), said(ben, 'b1', 'two')] }, { hub })
    await live(room, { heard: [files('a2', [picture])] }, { hub })
    expect(room.sent.at(-1)).to.include({ to: '15550000002', text: 'Ana (WhatsApp):' })
    room.files.set('mxc://hs.test/bike', pixel)
    await live(room, { posted: [wrote('$m', ghostOf('messenger'), image(mark('messenger')))] }, { hub })
    expect(
      room.sent.filter(({ text: words }) => words === 'Bob (Messenger):').map(({ to, text: words }) => [to, words]),
    ).to.have.deep.members([
      ['15550000001', 'Bob (Messenger):'],
      ['15550000002', 'Bob (Messenger):'],
    ])
    removeFolder(room.folder)
  })
})
