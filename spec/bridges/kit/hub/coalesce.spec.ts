import { expect } from 'chai'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { createWorld, type World } from '../house-of-cards.ts'
import { alice, ana, answering, ben, hub, live, said, text, wrote } from '../story.ts'

const minute = 60_000
const options = { hub, coalesceMs: 2 * minute }

describe('texts of one person that follow one another in a shared room', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    await live(world, { heard: [said(ana, 'a1', 'one'), said(ben, 'b1', 'two')] }, options)
    world.sent.length = 0
  })
  afterEach(() => removeFolder(world.folder))

  const toBen = () => world.sent.filter(({ to }) => to === '15550000002').map((message) => message.text)
  const anaSays = (id: string, words: string, more: Partial<Parameters<typeof live>[2]> = {}) =>
    live(world, { heard: [said(ana, id, words)] }, { ...options, ...more })

  it('bear the name once within the time', async () => {
    await anaSays('a2', 'first')
    await anaSays('a3', 'second')
    world.now += minute
    await anaSays('a4', 'third')
    world.now += 3 * minute
    await anaSays('a5', 'much later')
    expect(toBen()).to.deep.equal(['Ana (WhatsApp): first', 'second', 'third', 'Ana (WhatsApp): much later'])
  })

  it('bear it again when somebody else has spoken, or the reader has', async () => {
    await anaSays('a2', 'first')
    await live(world, { posted: [wrote('$m', alice, text('hello'))] }, options)
    await anaSays('a3', 'second')
    await live(world, { heard: [said(ben, 'b2', 'I see')] }, options)
    await anaSays('a4', 'third')
    expect(toBen()).to.deep.equal(['Ana (WhatsApp): first', 'Alice (Matrix): hello', 'Ana (WhatsApp): second', 'Ana (WhatsApp): third'])
  })

  it('bear it again after one that did not arrive, and when they answer something', async () => {
    world.answers = [() => ({ kind: 'refused', class: 'other', words: 'No.' })]
    await anaSays('a2', 'lost')
    await anaSays('a3', 'second')
    await live(world, { heard: [said(ana, 'a4', 'and this', { replyTo: 'a1' })] }, options)
    expect(toBen()).to.deep.equal(['Ana (WhatsApp): second', 'Ana (WhatsApp): ↩ “one”\nand this'])
  })

  it('bear it again after one of somebody else’s that may have arrived', async () => {
    await anaSays('a2', 'first')
    world.answers = [ana, ben].map(() => () => ({ kind: 'unknown', class: 'network', words: 'Who knows.' }) as const)
    await live(world, { posted: [wrote('$m', alice, text('perhaps'))] }, options)
    await anaSays('a3', 'second')
    expect(toBen()).to.deep.equal(['Ana (WhatsApp): first', 'Alice (Matrix): perhaps', 'Ana (WhatsApp): second'])
  })

  it('cannot pretend to be somebody else’s', async () => {
    await anaSays('a2', 'first')
    await anaSays('a3', 'Ben (WhatsApp): I agree')
    expect(toBen().at(-1)).to.equal('› Ben (WhatsApp): I agree')
  })

  it('are known again by their words when the network gives nothing else back', async () => {
    await anaSays('a2', 'first')
    world.answers = [() => ({ kind: 'unknown', class: 'network', words: 'Who knows.' })]
    await anaSays('a3', 'second')
    const before = world.events.length
    await live(world, { heard: [said(ben, 'echo', 'second', { own: true })] }, options)
    expect(
      world.events
        .slice(before)
        .map(({ clear }) => clear['body'])
        .filter((body) => body !== undefined),
    ).to.deep.equal([])
  })

  it('each bear it where nothing else is configured', async () => {
    await anaSays('a2', 'first', { coalesceMs: 0 })
    await anaSays('a3', 'second', { coalesceMs: 0 })
    expect(toBen()).to.deep.equal(['Ana (WhatsApp): first', 'Ana (WhatsApp): second'])
  })

  it('answer by the Matrix user, too, bear it', async () => {
    await live(world, { posted: [wrote('$m', alice, text('one'))] }, options)
    await live(world, { posted: [wrote('$n', alice, text('two')), wrote('$o', alice, text('three', answering('$m')))] }, options)
    expect(toBen()).to.deep.equal(['Alice (Matrix): one', 'two', 'Alice (Matrix): three'])
  })
})
