import { expect } from 'chai'
import { networks } from '../../config/bridge-schema.ts'
import { meetEverybody, names, prefixes } from './cast.ts'
import { breathe, find, inRoom, onPhone, others } from './looks.ts'
import { type Network, openScene, type Scene } from './scene.ts'

describe('in one encrypted room of three networks', () => {
  let scene: Scene
  before(async () => {
    scene = await openScene()
    await meetEverybody(scene)
  })
  after(() => scene?.close())
  beforeEach(() => breathe(scene))

  /** A message of Alice that everybody has: its event, and its id on each phone. */
  async function alicesWords(text: string) {
    const event = await scene.alice.says(text)
    return { event, copies: await copiesOf(prefixes.matrix + text, networks) }
  }
  async function copiesOf(text: string, where: readonly Network[]): Promise<Record<Network, string>> {
    const found = await Promise.all(where.map(async (network) => [network, (await onPhone(scene, network, text)).id]))
    return Object.fromEntries(found)
  }
  /** A message of a person that everybody has. */
  async function wordsOf(by: Network, text: string) {
    const own = await scene.people[by].says(text)
    const { event } = await inRoom(scene.alice, text)
    return { event, copies: { ...(await copiesOf(prefixes[by] + text, others(by))), [by]: own } }
  }
  const reactionsOn = async (network: Network, id: string) =>
    (await onPhone(scene, network, (message) => message.id === id)).reactions?.map(({ emoji }) => emoji) ?? []
  const reacted = (network: Network, id: string, emojis: readonly string[]) =>
    find(
      `${network} has ${emojis}`,
      async () => (JSON.stringify(await reactionsOn(network, id)) === JSON.stringify(emojis) ? true : undefined),
      () => scene.people[network].sees(),
    )
  const reactedInRoom = (event: string, reactions: readonly { from: string; emoji: string }[]) =>
    inRoom(scene.alice, (seen) => seen.event === event && JSON.stringify(seen.reactions) === JSON.stringify(reactions))

  for (const by of networks) {
    it(`an answer from ${by} stands on the message that it answers, for everybody`, async () => {
      const { event, copies } = await alicesWords(`a question to ${by}?`)
      await scene.people[by].says(`an answer from ${by}`, { replyTo: copies[by] })
      expect((await inRoom(scene.alice, `an answer from ${by}`)).replyTo).to.equal(event)
      for (const other of others(by)) {
        expect((await onPhone(scene, other, `${prefixes[by]}an answer from ${by}`)).replyTo, other).to.equal(copies[other])
      }
    })
  }

  it('an answer of the Matrix user stands on the message that it answers, on each network', async () => {
    for (const by of networks) {
      const { event, copies } = await wordsOf(by, `a question from ${by}?`)
      await scene.alice.says(`an answer to ${by}`, { replyTo: event })
      for (const network of networks) {
        expect((await onPhone(scene, network, `${prefixes.matrix}an answer to ${by}`)).replyTo, network).to.equal(copies[network])
      }
    }
  })

  for (const by of networks) {
    it(`a reaction from ${by} is seen by everybody, one a person, until it is taken back`, async () => {
      const { event, copies } = await alicesWords(`react from ${by}`)
      const from = `${names[by]} (${prefixes[by].split(/[()]/)[1]})`
      await scene.people[by].reacts(copies[by], '👍')
      await reactedInRoom(event, [{ from, emoji: '👍' }])
      for (const other of others(by)) await reacted(other, copies[other], ['👍'])
      await scene.people[by].reacts(copies[by], '🎉')
      await reactedInRoom(event, [{ from, emoji: '🎉' }])
      for (const other of others(by)) await reacted(other, copies[other], ['🎉'])
      await scene.people[by].reacts(copies[by])
      await reactedInRoom(event, [])
      for (const other of others(by)) await reacted(other, copies[other], [])
    })
  }

  it('a reaction of the Matrix user is seen on each network until it is taken back', async () => {
    const { event, copies } = await wordsOf('instagram', 'look at this')
    const reaction = await scene.alice.reacts(event, '🎉')
    for (const network of networks) await reacted(network, copies[network], ['🎉'])
    await scene.alice.redacts(reaction)
    for (const network of networks) await reacted(network, copies[network], [])
  })

  it('a correction of the Matrix user is told in words on each network, once', async () => {
    const { event, copies } = await alicesWords('at tne')
    await scene.alice.edits(event, 'at ten')
    for (const network of networks) {
      const told = await onPhone(scene, network, `${prefixes.matrix}✏️ Corrected: at ten`)
      expect(told.replyTo, network).to.equal(copies[network])
    }
  })

  for (const by of networks) {
    it(`a correction from ${by} changes the message in the room, and is told in words elsewhere`, async () => {
      await scene.control.setCoexistence({ on: true })
      const { event, copies } = await wordsOf(by, `wrnog from ${by}`)
      await scene.people[by].edits(copies[by], `right from ${by}`)
      const seen = await inRoom(scene.alice, `right from ${by}`)
      expect(seen).to.include({ event, edited: true })
      for (const other of others(by)) {
        expect((await onPhone(scene, other, `${prefixes[by]}✏️ Corrected: right from ${by}`)).replyTo, other).to.equal(copies[other])
      }
      await scene.control.setCoexistence({ on: false })
    })
  }

  it('a correction on WhatsApp that the network does not show is told as that', async () => {
    const { copies } = await wordsOf('whatsapp', 'wrong and hidden')
    await scene.people.whatsapp.edits(copies.whatsapp, 'right and hidden')
    await inRoom(scene.alice, ({ text, kind }) => kind === 'm.notice' && text.includes('a correction, which the network does not show'))
  })

  it('a withdrawal of the Matrix user is told in words on each network', async () => {
    const { event, copies } = await alicesWords('a slip of Alice')
    await scene.alice.redacts(event)
    for (const network of networks) {
      expect((await onPhone(scene, network, `${prefixes.matrix}🗑 took this message back.`)).replyTo).to.equal(copies[network])
    }
    await inRoom(scene.alice, (seen) => seen.event === event && seen.deleted === true)
  })

  for (const by of ['whatsapp', 'instagram'] as const) {
    it(`a withdrawal from ${by} takes the message out of the room, and is told in words elsewhere`, async () => {
      await scene.control.setCoexistence({ on: true })
      const { event, copies } = await wordsOf(by, `a slip from ${by}`)
      await scene.people[by].unsends(copies[by])
      await inRoom(scene.alice, (seen) => seen.event === event && seen.deleted === true)
      for (const other of others(by)) {
        expect((await onPhone(scene, other, `${prefixes[by]}🗑 took this message back.`)).replyTo, other).to.equal(copies[other])
      }
      await scene.control.setCoexistence({ on: false })
    })
  }

  it('a person who is mentioned is called by name on each network', async () => {
    const ana = scene.alice.sees().find(({ from }) => from.startsWith(names.whatsapp))
    const options = { mentions: [ana?.sender ?? ''], html: `<a href="https://matrix.to/#/${ana?.sender}">Ana</a>, are you there?` }
    await scene.alice.says(`[Ana](https://matrix.to/#/${ana?.sender}), are you there?`, options)
    for (const network of networks) await onPhone(scene, network, `${prefixes.matrix}Ana, are you there?`)
  })

  it('a long text comes whole, in parts and in order, from each to each', async () => {
    for (const by of ['matrix', ...networks] as const) {
      const words = Array.from({ length: 300 }, (_, at) => `${by}${at}`)
      if (by === 'matrix') await scene.alice.says(words.join(' '))
      else await scene.people[by].says(words.join(' '))
      await inRoom(scene.alice, words.join(' '))
      for (const network of by === 'matrix' ? networks : others(by)) {
        await onPhone(scene, network, ({ text }) => text.includes(`${by}299`))
        const lines = (await scene.people[network].sees()).filter(({ from }) => from !== 'me').map(({ text }) => text)
        expect(lines.join(' ').match(new RegExp(`\\b${by}\\d+`, 'g')), network).to.deep.equal(words)
        const first = lines.filter((line) => new RegExp(`\\b${by}0 `).test(line))
        const unmarked = first.map((line) => line.replace(/^\(1\/\d\) /, '').startsWith(prefixes[by]))
        expect(unmarked, network).to.deep.equal([true])
      }
      await breathe(scene)
    }
  })

  it('leaves the Matrix user nothing that is not encrypted, or not by the device of who sent it', async () => {
    expect(await scene.alice.faults()).to.deep.equal([])
  })
})
