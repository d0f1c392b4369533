import { expect } from 'chai'
import type { Call } from '../../../../bridges/kit/commands/desk.ts'
import { list } from '../../../../bridges/kit/commands/list.ts'
import { sendAgain } from '../../../../bridges/kit/commands/send-again.ts'
import type { InboundEvent } from '../../../../bridges/kit/connector.ts'
import { selectOutbox } from '../../../../bridges/kit/store/outbox.store.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { account, createWorld, messagesIn, openKit, type World } from '../house-of-cards.ts'
import { about, alice, ana, answering, ben, ghostOf, hub, reacted, redacted, said, text, wrote } from '../story.ts'
import { deskOf, liveWithBot } from './desk.ts'

const failed = () => ({ kind: 'refused', class: 'recipient_unreachable', words: 'Nobody is there.' }) as const
const lost = () => ({ kind: 'refused', class: 'other', words: 'No.' }) as const
const again = (id: string, about: string, by = alice) => wrote(id, by, text('!tombolo send again', answering(about)))

describe('what somebody has sent again', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    await liveWithBot(world, { heard: [said(ana, 'w1', 'hello', { at: world.now })] })
  })
  afterEach(() => removeFolder(world.folder))
  const sent = () => world.sent.map((message) => message.text)
  const notices = () => messagesIn(world).filter((line) => line.startsWith('bot: '))
  const post = (...posted: ReturnType<typeof wrote>[]) => liveWithBot(world, { posted })

  it('goes out once, and when it fails once more the room is told once more', async () => {
    world.answers = [failed, failed]
    await post(wrote('$a', alice, text('hi')))
    await post(again('$b', '$a'))
    expect(notices().filter((line) => line.includes('Nobody is there.'))).to.have.length(2)
    const states = world.events.filter(({ type }) => type === 'org.tombolo.delivery').map(({ clear }) => clear['state'])
    expect(states).to.deep.equal(['failed', 'failed'])
    await post(again('$c', '$a'))
    expect(sent()).to.deep.equal(['hi'])
  })

  it('is sent again in the parts that did not arrive, and in no others', async () => {
    const long = `${'a'.repeat(60)}${'b'.repeat(60)}${'c'.repeat(10)}`
    world.answers = [() => ({ kind: 'sent', id: 'm0' }), lost]
    await post(wrote('$a', alice, text(long)))
    await post(again('$b', '$a'))
    expect(sent().map((part) => part.slice(0, 5))).to.deep.equal(['(1/3)', '(3/3)', '(2/3)'])
  })

  it('is sent by whose chat it is alone, and not by people of a network; their words are words', async () => {
    world.answers = [failed]
    await post(wrote('$a', alice, text('hi')))
    await post(again('$b', '$a', '@bob:hs.test'), again('$c', '$a', '@eve:elsewhere.test'))
    expect(notices().slice(1)).to.deep.equal(Array(2).fill('bot: You may not do that with this chat: it is somebody else’s.'))
    const notice = world.events.find(({ clear }) => String(clear['body']).includes('Nobody is there'))
    await post(reacted('$d', '@bob:hs.test', notice!.id, '🔁'))
    expect(sent()).to.deep.equal([])
    await post(again('$e', '$a', ghostOf('messenger')))
    expect(sent().join()).to.include('!tombolo send again')
  })

  it('is carried by nobody’s order that was not encrypted in a room that is', async () => {
    world.answers = [failed]
    await post(wrote('$a', alice, text('hi')))
    const clear = {
      event_id: '$b',
      room_id: '!room0',
      sender: alice,
      type: 'm.room.message',
      content: text('!tombolo send again', answering('$a')),
    }
    await post(clear)
    expect(sent()).to.deep.equal([])
  })

  it('is not what was taken back meanwhile', async () => {
    world.answers = [failed, () => ({ kind: 'unknown', class: 'network', words: 'It may have been sent.' })]
    await post(wrote('$a', alice, text('oops')), wrote('$b', alice, text('oh')))
    await post(redacted('$r', alice, '$a'), redacted('$s', alice, '$b'))
    const before = sent()
    await post(again('$c', '$a'), again('$d', '$b'))
    expect(sent()).to.deep.equal(before)
    expect(notices().at(-1)).to.equal('bot: I do not have that message any more. Write it again.')
  })

  it('is not what was taken back meanwhile by its number either, and the list does not offer it', async () => {
    world.answers = Array(2).fill(() => ({ kind: 'unknown', class: 'network', words: 'It may have been sent.' }))
    await post(wrote('$a', alice, text('oops')), wrote('$b', alice, text('hi')))
    await post(redacted('$r', alice, '$a'))
    const kit = await openKit(world)
    const call: Call = { ...{ desk: deskOf(world, kit), user: alice, level: 'user', room: '!m', event: '$c' }, rest: '1' }
    expect(() => sendAgain(call)).to.throw('That message was taken back; it is not sent again.')
    expect(sendAgain({ ...call, rest: '2' }).words).to.equal('It is sent again to Ana.')
    expect(list(call).words).to.match(/send again 2`/)
    expect(list(call).words).not.to.match(/send again 1`/)
    kit.close()
  })

  it('is not withdrawn by a redaction in another room that names it', async () => {
    await liveWithBot(world, { heard: [said(ben, 'w2', 'hello', { at: world.now })] })
    world.answers = [failed]
    await post(wrote('$a', alice, text('hi')))
    await post({ ...redacted('$r', '@eve:elsewhere.test', '$a'), room_id: '!room1' })
    await post(again('$c', '$a'))
    expect(sent()).to.deep.equal(['hi'])
  })

  it('is not what its writer, a person of the network, has taken back', async () => {
    const shared = createWorld(temporaryFolder())
    await liveWithBot(shared, { heard: [said(ana, 'a1', 'hello'), said(ben, 'b1', 'hello')] }, { hub })
    shared.answers = [failed]
    await liveWithBot(shared, { heard: [said(ana, 'a2', 'oops')] }, { hub })
    const relayed = shared.events.find(({ clear }) => clear['body'] === 'oops')?.id ?? ''
    await liveWithBot(shared, { heard: [about(ana, 'deleted', 'a2')] }, { hub })
    const before = shared.sent.length
    await liveWithBot(shared, { posted: [again('$b', relayed)] }, { hub })
    expect(shared.sent).to.have.length(before)
    removeFolder(shared.folder)
  })

  it('is kept again when the network still takes no answers', async () => {
    world.now += 25 * 3_600_000
    await post(wrote('$a', alice, text('hi')))
    world.now += 73 * 3_600_000
    await post()
    expect(notices().at(-1)).to.match(/^bot: Ana: This was kept for 3 days/)
    await post(again('$b', '$a'))
    expect(sent()).to.deep.equal([])
    await liveWithBot(world, { heard: [said(ana, 'w2', 'here', { at: world.now })] })
    expect(sent()).to.deep.equal(['hi'])
  })

  it('is left alone when the network tells before it goes out that it had arrived', async () => {
    world.answers = [() => ({ kind: 'unknown', class: 'network', words: 'It may have been sent.' })]
    await post(wrote('$a', alice, text('hi')))
    const [{ key } = { key: '' }] = world.sent
    await liveWithBot(world, { posted: [again('$b', '$a')] }, { sendsHeld: true })
    const status: InboundEvent = { type: 'status', account, id: 'm7', tag: key, state: 'delivered' }
    await liveWithBot(world, { heard: [status] }, { sendsHeld: true })
    await post()
    expect(sent()).to.deep.equal(['hi'])
    const kit = await openKit(world)
    expect(selectOutbox(kit.store, 1)?.state).to.equal('delivered')
    kit.close()
  })

  it('is recognised by its words where the network gives no key back', async () => {
    world.answers = [() => ({ kind: 'unknown', class: 'network', words: 'It may have been sent.' })]
    await post(wrote('$a', alice, text('hi')))
    await liveWithBot(world, { posted: [again('$b', '$a')] }, { sendsHeld: true })
    await liveWithBot(world, { heard: [said(ana, 'm7', 'hi', { own: true })] })
    expect(sent()).to.deep.equal(['hi'])
  })

  it('has one effect and one answer, wherever the process ends while it is asked for', async () => {
    for (let point = 1, crashed = true; crashed; point++) {
      const other = createWorld(temporaryFolder())
      await liveWithBot(other, { heard: [said(ana, 'w1', 'hello', { at: other.now })] })
      other.answers = [failed]
      await liveWithBot(other, { posted: [wrote('$a', alice, text('hi'))] })
      const command = { posted: [again('$b', '$a')] }
      const passed = await liveWithBot(other, command, { crashAt: point })
      crashed = passed.length === point
      await liveWithBot(other, command)
      const isCutOff = crashed && ['part submitting', 'part answered'].includes(passed.at(-1) ?? '')
      expect(other.sent.length, `${point}`).to.equal(isCutOff && passed.at(-1) === 'part submitting' ? 0 : 1)
      const answers = messagesIn(other).filter((line) => line.includes('It is sent again to Ana.'))
      expect(answers, `${point}`).to.have.length(1)
      removeFolder(other.folder)
    }
  })

  it('is told of in a shared room under the name that the person has there, and no other', async () => {
    const shared = createWorld(temporaryFolder())
    await liveWithBot(shared, { heard: [said(ana, 'w1', 'hello', { at: shared.now }), said(ana, 'w2', 'NAME Zebra')] }, { hub })
    shared.answers = [failed]
    const before = shared.events.length
    await liveWithBot(shared, { posted: [wrote('$a', alice, text('hi'))] }, { hub })
    await liveWithBot(shared, { posted: [again('$b', '$a')] }, { hub })
    expect(messagesIn(shared)).to.include('bot: It is sent again to Zebra.')
    expect(JSON.stringify(shared.events.slice(before))).not.to.include('Ana')
    removeFolder(shared.folder)
  })

  it('is asked for in a shared room of the bridge that it is about, and of no other', async () => {
    const shared = createWorld(temporaryFolder())
    await liveWithBot(shared, { heard: [said(ana, 'w1', 'hello', { at: shared.now })] }, { hub })
    shared.answers = [failed]
    await liveWithBot(shared, { posted: [wrote('$a', alice, text('hi'))] }, { hub })
    await liveWithBot(shared, { posted: [again('$b', '$elsewhere'), wrote('$c', alice, text('!tombolo help'))] }, { hub })
    expect(messagesIn(shared).filter((line) => line.startsWith('bot: '))).to.have.length(1)
    await liveWithBot(shared, { posted: [again('$d', '$a')] }, { hub })
    expect(shared.sent.map((message) => message.text)).to.deep.equal(['Alice (Matrix): hi'])
    removeFolder(shared.folder)
  })
})
