import { expect } from 'chai'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { createWorld, messagesIn, type World } from './house-of-cards.ts'
import { about, alice, ana, ben, edited, ghostOf, hub, live, mark, redacted, said, text, wrote } from './story.ts'

describe('a correction or withdrawal', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    await meet(world)
  })
  afterEach(() => removeFolder(world.folder))

  /** Ana and Alice know each other. */
  async function meet(of: World): Promise<void> {
    await live(of, { heard: [said(ana, 'w1', 'hello')] })
    await live(of, { posted: [wrote('$a', alice, text('at ten'))] })
  }

  const sent = (of: World = world) => of.sent.map(({ to, text: words, replyTo }) => [to.slice(-1), words, replyTo])
  const replacements = (of: World = world) =>
    of.events.flatMap(({ clear }) => {
      const relation = clear['m.relates_to'] as Record<string, unknown> | undefined
      const content = clear['m.new_content'] as Record<string, unknown> | undefined
      return relation?.['rel_type'] === 'm.replace' ? [`${relation['event_id']}: ${content?.['body']}`] : []
    })

  it('of the person changes their message in the room, in order, also when it came before its message', async () => {
    await live(world, { heard: [about(ana, 'edit', 'w2', { text: 'first' }), about(ana, 'edit', 'w2', { text: 'second' })] })
    expect(replacements()).to.deep.equal([])
    await live(world, { heard: [said(ana, 'w2', 'frist')] })
    const event = world.events.find(({ clear }) => clear['body'] === 'frist')!.id
    expect(replacements()).to.deep.equal([`${event}: first`, `${event}: second`])
  })

  it('of the person takes their message back in the room', async () => {
    await live(world, { heard: [about(ana, 'deleted', 'w1')] })
    expect(world.redactions.map(({ event }) => event)).to.deep.equal(['$event0'])
    expect(world.redactions[0]!.sender).to.match(/^@_whatsapp_[a-z2-7]{26}:/)
  })

  it('of what somebody in the room wrote, done on the network, is told by the bot', async () => {
    await live(world, { heard: [about(ana, 'edit', 'm0', { own: true, text: 'at nine' }), about(ana, 'deleted', 'm0', { own: true })] })
    expect(messagesIn(world).slice(-2)).to.deep.equal(['bot: Changed on WhatsApp to: at nine', 'bot: Deleted on WhatsApp.'])
    expect(world.redactions).to.deep.equal([])
  })

  it('of what somebody else wrote is none', async () => {
    await live(world, { posted: [edited('$e1', '@mallory:hs.test', '$a', 'never')] })
    expect(sent()).to.have.length(1)
  })

  it('that was not sent yet goes when its message is taken back', async () => {
    world.answers = [() => ({ kind: 'retry', class: 'pair_limit', words: 'Slower.' })]
    await live(world, { posted: [wrote('$b', alice, text('regret'))] }).catch(() => undefined)
    world.answers = [() => ({ kind: 'retry', class: 'pair_limit', words: 'Slower.' })]
    await live(world, { posted: [edited('$e1', alice, '$b', 'much regret')] }).catch(() => undefined)
    await live(world, { posted: [redacted('$r', alice, '$b')] })
    expect(sent().filter(([, words]) => String(words).includes('regret'))).to.deep.equal([])
  })

  it('from Matrix is told in words on the message, once, and for a quarter of an hour', async () => {
    await live(world, { posted: [edited('$e1', alice, '$a', 'at nine')] })
    expect(sent().at(-1)).to.deep.equal(['1', '✏️ Corrected: at nine', 'm0'])
    await live(world, { posted: [edited('$e2', alice, '$a', 'at eight')] })
    expect(world.sent).to.have.length(2)
    await live(world, { posted: [wrote('$b', alice, text('bye'))] })
    world.now += 16 * 60_000
    await live(world, { posted: [edited('$e3', alice, '$b', 'good bye')] })
    expect(world.sent).to.have.length(3)
    const words = 'A correction is told on WhatsApp once, within 15 minutes. Write it as a new message.'
    expect(messagesIn(world).filter((line) => line === `bot: Ana: ${words}`)).to.have.length(2)
  })

  it('from Matrix of a message that is taken back is told in words, once', async () => {
    await live(world, { posted: [redacted('$x', alice, '$a')] })
    await live(world, { posted: [redacted('$y', alice, '$a')] })
    expect(sent().slice(1)).to.deep.equal([['1', '🗑 This message was taken back.', 'm0']])
  })

  it('before it was sent keeps it from being sent', async () => {
    await live(world, { posted: [wrote('$b', alice, text('oops')), redacted('$x', alice, '$b')] }, { crashAt: 1 }).catch(() => undefined)
    world.answers = [() => ({ kind: 'retry', class: 'rate_limited', words: 'Slower.' })]
    await live(world, {}).catch(() => undefined)
    await live(world, {})
    expect(sent().filter(([, words]) => words === 'oops')).to.have.length(0)
  })

  it('before the bridge saw it is nothing to tell', async () => {
    const empty = { ...wrote('$b', alice, {}), content: {}, unsigned: { redacted_because: {} } }
    await live(world, { posted: [empty] })
    expect(world.sent).to.have.length(1)
    expect(messagesIn(world)).to.deep.equal(['ghost: hello'])
  })

  it('reaches everybody in a hub to whom the message went, under a name, and nobody else', async () => {
    const shared = createWorld(temporaryFolder())
    await live(shared, { heard: [said(ana, 'a1', 'one')] }, { hub })
    await live(shared, { posted: [wrote('$m', ghostOf('messenger'), text('ten', mark('messenger')))] }, { hub })
    await live(shared, { heard: [said(ben, 'b1', 'two')] }, { hub })
    await live(shared, { posted: [edited('$e', ghostOf('messenger'), '$m', 'nine', mark('messenger'))] }, { hub })
    expect(sent(shared).at(-1)).to.deep.equal(['1', 'Bob (Messenger): ✏️ Corrected: nine', 'm0'])
    await live(shared, { heard: [about(ben, 'edit', 'b1', { text: 'too' })] }, { hub })
    await live(shared, { heard: [about(ben, 'deleted', 'b1')] }, { hub })
    expect(sent(shared).slice(-2)).to.deep.equal([
      ['1', 'Ben (WhatsApp): ✏️ Corrected: too', 'm1'],
      ['1', 'Ben (WhatsApp): 🗑 took this message back.', 'm1'],
    ])
    removeFolder(shared.folder)
  })

  it('is there once, both ways, wherever the process ends', async () => {
    const story = {
      heard: [about(ana, 'edit', 'w1', { text: 'hi' })],
      posted: [edited('$e1', alice, '$a', 'at nine')],
    }
    const points = await live(world, story)
    for (let at = 1; at <= points.length; at++) {
      const again = createWorld(temporaryFolder())
      await meet(again)
      await live(again, story, { crashAt: at })
      await live(again, story)
      expect(replacements(again), points[at - 1]).to.deep.equal(['$event0: hi'])
      expect(again.sent.length, points[at - 1]).to.equal(points[at - 1] === 'part submitting' ? 1 : 2)
      removeFolder(again.folder)
    }
  })
})
