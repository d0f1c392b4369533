import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { meetEverybody } from './cast.ts'
import { openScene, type Scene, until } from './scene.ts'

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

describe('answers, reactions, corrections and withdrawals across three networks in one encrypted room', function () {
  this.timeout(120_000)
  let scene: Scene
  before(async () => {
    scene = await openScene()
    await meetEverybody(scene)
  })
  after(() => scene?.close())

  const seenBy = async (who: 'whatsapp' | 'messenger' | 'instagram', line: string) =>
    (await scene.people[who].sees()).find(({ text }) => text === line)

  it('reach each person on the message that they have', async () => {
    const { whatsapp, messenger, instagram } = scene.people
    const question = await messenger.says('is it there?')
    await until('Ana reads it', async () => (await seenBy('whatsapp', 'Ben Berg (Messenger): is it there?')) !== undefined, scene.logs)
    const copy = (await seenBy('whatsapp', 'Ben Berg (Messenger): is it there?'))!
    await whatsapp.says('it is', { replyTo: copy.id })
    await whatsapp.reacts(copy.id, '👍')
    await until('Ben has the answer', async () => (await seenBy('messenger', 'Ana (WhatsApp): it is'))?.replyTo === question, scene.logs)
    const reactionOf = async () => (await messenger.sees()).find(({ id }) => id === question)?.reactions?.map(({ emoji }) => emoji)
    await until('Ben has the reaction', async () => (await reactionOf())?.includes('👍') === true, scene.logs)
    await messenger.edits(question, 'is the bike there?')
    const correction = 'Ben Berg (Messenger): ✏️ Corrected: is the bike there?'
    await until('Ana has the correction', async () => (await seenBy('whatsapp', correction))?.replyTo === copy.id, scene.logs)
    const slip = await instagram.says('oops')
    await until('Ana has the slip', async () => (await seenBy('whatsapp', 'Carla (Instagram): oops')) !== undefined, scene.logs)
    await instagram.unsends(slip)
    const withdrawn = 'Carla (Instagram): 🗑 took this message back.'
    await until('Ana knows of the withdrawal', async () => (await seenBy('whatsapp', withdrawn)) !== undefined, scene.logs)
    expect((await whatsapp.sees()).filter(({ text }) => text === withdrawn)).to.have.length(1)
  })

  it('carry a picture to each network, byte for byte, under the name of who sent it', async () => {
    const { whatsapp, messenger, instagram } = scene.people
    await messenger.sends({ files: [{ kind: 'image', mime: 'image/png', data: pixel }] })
    const filesOf = async (who: typeof whatsapp) => (await who.sees()).flatMap(({ files = [] }) => files)
    await until('Alice has it', async () => scene.alice.sees().some(({ text }) => text === 'picture.png'), scene.logs)
    for (const who of [whatsapp, instagram]) {
      await until(`${who.info.name} has it`, async () => (await filesOf(who)).length === 1, scene.logs)
      expect((await who.sees()).map(({ text }) => text)).to.satisfy((lines: string[]) =>
        lines.some((line) => /^Ben Berg \(Messenger\):$/.test(line)),
      )
    }
    const hash = createHash('sha256').update(Buffer.from(pixel, 'base64')).digest('hex')
    for (const who of [whatsapp, instagram]) expect((await filesOf(who)).map(({ sha256 }) => sha256)).to.deep.equal([hash])
  })
})
