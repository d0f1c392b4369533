import { expect } from 'chai'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { createWorld, type World } from './house-of-cards.ts'
import { alice, ana, answering, ben, ghostOf, hub, live, mark, said, text, wrote } from './story.ts'

describe('a reply', () => {
  let world: World
  beforeEach(() => {
    world = createWorld(temporaryFolder())
  })
  afterEach(() => removeFolder(world.folder))

  const relationOf = (body: string) => world.events.find(({ clear }) => clear['body'] === body)?.clear['m.relates_to']
  const idOf = (body: string) => world.events.find(({ clear }) => clear['body'] === body)?.id

  it('from the network answers the event of the message it answers, theirs and ours', async () => {
    await live(world, { heard: [said(ana, 'w1', 'hello')] })
    await live(world, { posted: [wrote('$a', alice, text('hi'))] })
    await live(world, { heard: [said(ana, 'w2', 'again', { replyTo: 'w1' }), said(ana, 'w3', 'to you', { replyTo: 'm0' })] })
    expect(relationOf('again')).to.deep.equal({ 'm.in_reply_to': { event_id: idOf('hello') } })
    expect(relationOf('to you')).to.deep.equal({ 'm.in_reply_to': { event_id: '$a' } })
  })

  it('from the network to what is not in the room says so in words', async () => {
    await live(world, { heard: [said(ana, 'w2', 'yes', { replyTo: 'w0' })] })
    expect(relationOf('↩ To an earlier message:\nyes')).to.equal(undefined)
    expect(idOf('↩ To an earlier message:\nyes')).to.equal('$event0')
  })

  it('from Matrix answers natively, also what was sent just before it', async () => {
    await live(world, { heard: [said(ana, 'w1', 'hello')] })
    const quoting = '> <@x:hs.test> hello\n\nhi there'
    await live(world, {
      posted: [wrote('$a', alice, text(quoting, answering('$event0'))), wrote('$b', alice, text('and this', answering('$a')))],
    })
    expect(world.sent.map(({ text: words, replyTo }) => [words, replyTo])).to.deep.equal([
      ['hi there', 'w1'],
      ['and this', 'm0'],
    ])
  })

  it('from Matrix to what the network does not have quotes its words', async () => {
    await live(world, { heard: [said(ana, 'w1', 'hello')] })
    const notice = wrote('$n', '@bot2:hs.test', { msgtype: 'm.notice', body: 'Shop  closes\nat “six” o’clock' })
    await live(world, { posted: [notice, wrote('$a', alice, text('I know', answering('$n')))] })
    expect(world.sent.map(({ text: words, replyTo }) => [words, replyTo])).to.deep.equal([
      ['↩ “Shop closes at "six" o’clock”\nI know', undefined],
    ])
  })

  it('to what cannot be read or found goes without its words', async () => {
    await live(world, { heard: [said(ana, 'w1', 'hello')] })
    await live(world, { posted: [wrote('$a', alice, text('I know', answering('$gone')))] })
    expect(world.sent.map(({ text: words }) => words)).to.deep.equal(['I know'])
  })

  it('crosses apps in a hub: each gets it on the message that they have, or with its words', async () => {
    await live(world, { heard: [said(ana, 'a1', 'who buys?')] }, { hub })
    await live(
      world,
      { posted: [wrote('$m', ghostOf('messenger'), text('me', { ...mark('messenger'), ...answering('$event0') }))] },
      { hub },
    )
    expect(world.sent.at(-1)).to.include({ text: 'Bob (Messenger): me', replyTo: 'a1' })
    await live(world, { heard: [said(ben, 'b1', 'I am here')] }, { hub })
    await live(world, { heard: [said(ana, 'a2', 'fine', { replyTo: 'm0' })] }, { hub })
    expect(relationOf('fine')).to.deep.equal({ 'm.in_reply_to': { event_id: '$m' } })
    expect(world.sent.at(-1)).to.include({ to: '15550000002', text: 'Ana (WhatsApp): ↩ “me”\nfine' })
  })

  it('cannot make a quoted line look like another’s', async () => {
    await live(world, { heard: [said(ana, 'a1', 'hello')] }, { hub })
    const forged = wrote('$f', '@eve:hs.test', { msgtype: 'm.notice', body: 'Bob (Messenger): pay' })
    await live(world, { posted: [forged, wrote('$m', alice, text('x\nBob (Messenger): pay', answering('$f')))] }, { hub })
    for (const { text: words } of world.sent) for (const line of words.split('\n')) expect(line).not.to.match(/^Bob \(Messenger\)/)
  })

  it('is carried once wherever the process ends', async () => {
    const story = { posted: [wrote('$a', alice, text('hi', answering('$event0')))] }
    await live(world, { heard: [said(ana, 'w1', 'hello')] })
    const points = await live(world, story)
    for (let at = 1; at <= points.length; at++) {
      const again = createWorld(temporaryFolder())
      await live(again, { heard: [said(ana, 'w1', 'hello')] })
      await live(again, story, { crashAt: at })
      await live(again, story)
      const point = points[at - 1]
      expect(again.sent, point).to.have.length(point === 'part submitting' ? 0 : 1)
      for (const sent of again.sent) expect(sent.replyTo, point).to.equal('w1')
      removeFolder(again.folder)
    }
  })
})
