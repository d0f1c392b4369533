import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { networks } from '../../config/bridge-schema.ts'
import { png } from '../bridges/kit/media/crafted-files.ts'
import { names } from './cast.ts'
import { breathe, find, inRoom, meetInChats, onPhone } from './looks.ts'
import type { Seat } from './matrix-seat.ts'
import { type Network, openScene, type Scene, until } from './scene.ts'

const picture = png({ width: 8, height: 8 })
const sha256 = createHash('sha256').update(picture).digest('hex')

describe('a chat with one person, in an encrypted room of its own', () => {
  let scene: Scene
  let chats: Readonly<Record<Network, Seat>>
  before(async () => {
    scene = await openScene({ hub: false })
    chats = await meetInChats(scene)
  })
  after(() => scene?.close())
  beforeEach(() => breathe(scene))

  it('is one room for each person, and none of them sees what is in another', async () => {
    expect(scene.alice.rooms()).to.have.length(networks.length)
    for (const network of networks) {
      await chats[network].says(`for ${network} alone`)
      await onPhone(scene, network, `for ${network} alone`)
    }
    for (const network of networks) {
      const lines = (await scene.people[network].sees()).map(({ text }) => text)
      expect(lines.filter((line) => line.endsWith(' alone'))).to.deep.equal([`for ${network} alone`])
    }
  })

  for (const network of networks) {
    const person = () => scene.people[network]
    const seat = () => chats[network]

    it(`${network}: answers stand on what they answer, without a name before them`, async () => {
      const event = await seat().says('coming?')
      const copy = await onPhone(scene, network, 'coming?')
      const reply = await person().says('I am', { replyTo: copy.id })
      const seen = await inRoom(seat(), 'I am')
      expect(seen.replyTo).to.equal(event)
      await seat().says('good', { replyTo: seen.event })
      expect((await onPhone(scene, network, 'good')).replyTo).to.equal(reply)
    })

    it(`${network}: reactions go both ways and can be taken back`, async () => {
      const event = await seat().says('nice weather')
      const copy = await onPhone(scene, network, 'nice weather')
      await person().reacts(copy.id, '👍')
      await inRoom(seat(), (seen) => seen.event === event && seen.reactions.some(({ emoji }) => emoji === '👍'))
      await person().reacts(copy.id)
      await inRoom(seat(), (seen) => seen.event === event && seen.reactions.length === 0)
      const id = await person().says('and warm')
      const theirs = await inRoom(seat(), 'and warm')
      const reaction = await seat().reacts(theirs.event, '🔥')
      await onPhone(scene, network, (message) => message.id === id && message.reactions?.[0]?.emoji === '🔥')
      await seat().redacts(reaction)
      await onPhone(scene, network, (message) => message.id === id && message.reactions === undefined)
    })

    it(`${network}: corrections and withdrawals of the Matrix user are told in words on the message`, async () => {
      const event = await seat().says('at tne')
      const copy = await onPhone(scene, network, 'at tne')
      await seat().edits(event, 'at ten')
      expect((await onPhone(scene, network, '✏️ Corrected: at ten')).replyTo).to.equal(copy.id)
      await seat().redacts(event)
      expect((await onPhone(scene, network, '🗑 This message was taken back.')).replyTo).to.equal(copy.id)
    })

    it(`${network}: a picture goes both ways, byte for byte`, async () => {
      await seat().sends({ kind: 'm.image', mime: 'image/png', name: 'bike.png', bytes: picture })
      const got = await onPhone(scene, network, ({ from, files }) => from !== 'me' && files !== undefined)
      expect(got.files?.map((file) => file.sha256)).to.deep.equal([sha256])
      await person().sends({ files: [{ kind: 'image', mime: 'image/png', data: picture.toString('base64') }], text: 'mine' })
      const seen = await inRoom(seat(), 'mine')
      expect((await seat().opens(seen.event)).equals(picture)).to.equal(true)
    })

    it(`${network}: what the person has read is shown as read by them`, async () => {
      const event = await seat().says('read me')
      await onPhone(scene, network, 'read me')
      await person().reads()
      const ghost =
        seat()
          .sees()
          .find(({ text }) => text === `${names[network]} is here`)?.sender ?? ''
      await find(
        'the receipt',
        () => (seat().readersOf(event).includes(ghost) ? true : undefined),
        () => seat().readersOf(event),
      )
      await find(
        'the state',
        () => (seat().fateOf(event).includes(`${network} read`) ? true : undefined),
        () => seat().fateOf(event),
      )
    })

    it(`${network}: what the Matrix user has read is marked as read, unless in private`, async () => {
      const first = await person().says('have you seen it?')
      const second = await person().says('and this?')
      const isSeen = async (id: string) => (await person().sees()).find((message) => message.id === id)?.seen === true
      const later = await inRoom(seat(), 'and this?')
      await seat().reads(later.event, 'privately')
      await seat().says('a sign')
      await onPhone(scene, network, 'a sign')
      expect(await isSeen(second)).to.equal(false)
      const earlier = await inRoom(seat(), 'have you seen it?')
      await seat().reads(earlier.event)
      await until(
        'it is marked',
        () => isSeen(first),
        () => person().sees(),
      )
    })

    it(`${network}: that the Matrix user types is shown to the person`, async () => {
      const id = await person().says('write to me')
      const seen = await inRoom(seat(), 'write to me')
      await seat().reads(seen.event)
      await until(
        'it is marked',
        async () => (await person().sees()).find((one) => one.id === id)?.seen === true,
        () => person().sees(),
      )
      await seat().types(true)
      await until(
        'they see it',
        async () => (await person().view()).typing,
        () => person().view(),
      )
      await seat().types(false)
    })
  }

  it('shows a number of a contact card in the chat in which it was given', async () => {
    const phones = [{ phone: '+1 555 999 8888', type: 'CELL' }]
    await scene.people.whatsapp.sends({ cards: [{ name: { formatted_name: 'Dora Dent', first_name: 'Dora' }, phones }] })
    await inRoom(chats.whatsapp, ({ text }) => text.includes('Dora Dent') && text.includes('+1 555 999 8888'))
  })

  it('keeps what is written when the network takes no more answers, says so, and sends it when the person writes', async () => {
    await scene.control.advance({ ms: 25 * 3_600_000 })
    for (const network of networks) {
      const event = await chats[network].says('too late?')
      const told = await inRoom(chats[network], ({ kind, replyTo }) => kind === 'm.notice' && replyTo === event)
      expect(told.text).to.match(/24 hours|window|write/i)
      await find(
        'its state',
        () => (chats[network].fateOf(event).includes(`${network} queued`) ? true : undefined),
        () => chats[network].fateOf(event),
      )
      await scene.people[network].says('here I am again')
      await inRoom(chats[network], 'here I am again')
      await chats[network].says('and so am I')
      await onPhone(scene, network, 'and so am I')
      const lines = (await scene.people[network].sees()).map(({ text }) => text)
      expect(lines.filter((line) => line === 'too late?' || line === 'and so am I')).to.deep.equal(['too late?', 'and so am I'])
    }
  })

  it('leaves the Matrix user nothing that is not encrypted, or not by the device of who sent it', async () => {
    for (const network of networks) expect(await chats[network].faults()).to.deep.equal([])
  })
})
