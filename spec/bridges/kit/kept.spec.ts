import { expect } from 'chai'
import type { InboundEvent } from '../../../bridges/kit/connector.ts'
import { releaseLogin } from '../../../bridges/kit/outbound/kept.ts'
import { chooseLateRules, defaultLateRules } from '../../../bridges/kit/outbound/late-rules.ts'
import { applyMatrixEvent } from '../../../bridges/kit/outbound/message.ts'
import { submit } from '../../../bridges/kit/outbox.ts'
import { noteState } from '../../../bridges/kit/states.ts'
import { selectLogins } from '../../../bridges/kit/store/logins.store.ts'
import { selectOutbox } from '../../../bridges/kit/store/outbox.store.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { account, createWorld, messagesIn, openKit, type World } from './house-of-cards.ts'
import { selectNewMatrixEvents, selectQueued } from './queues.ts'
import { alice, ana, answering, ben, edited, hub, live, redacted, said, take, text, wrote } from './story.ts'

const hour = 3_600_000

describe('what is written after the network has stopped taking answers', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    await live(world, { heard: [said(ana, 'w1', 'hello', { at: world.now })] })
    world.now += 25 * hour
  })
  afterEach(() => removeFolder(world.folder))
  const sent = () => world.sent.map((message) => message.text)
  const notices = () => messagesIn(world).filter((line) => line.startsWith('bot: '))
  const anaWrites = (id: string, options = {}) => live(world, { heard: [said(ana, id, 'again', { at: world.now })] }, options)

  it('outlives restarts, and goes out in its order before what is written later, when the person writes', async () => {
    await live(world, { posted: [wrote('$a', alice, text('one')), wrote('$b', alice, text('two'))] })
    await live(world, { posted: [wrote('$c', alice, text('three'))] })
    expect(sent()).to.deep.equal([])
    world.now += hour
    await live(world, { heard: [said(ana, 'w2', 'again', { at: world.now })], posted: [wrote('$d', alice, text('four'))] })
    expect(sent()).to.deep.equal(['one', 'two', 'three', 'four'])
    await live(world, {})
    expect(sent()).to.have.length(4)
  })

  it('is told of in a shared room under the name that the person has there, and no other', async () => {
    const shared = createWorld(temporaryFolder())
    await live(
      shared,
      { heard: [said(ana, 'w1', 'hello', { at: shared.now }), said(ana, 'w2', 'NAME Zebra', { at: shared.now })] },
      { hub },
    )
    shared.now += 25 * hour
    await live(shared, { posted: [wrote('$a', alice, text('one')), wrote('$b', alice, text('two'))] }, { hub })
    const told = shared.events.filter(({ type, sender }) => type.includes('delivery') || type.includes('status') || sender.includes('bot'))
    expect(told.map(({ clear }) => JSON.stringify(clear)).join('\n'))
      .to.include('goes out after the rest when Zebra writes again')
      .and.not.include('Ana')
    removeFolder(shared.folder)
  })

  it('waits on when what the person wrote long ago is told only now, and when others write', async () => {
    await live(world, { posted: [wrote('$a', alice, text('one'))] })
    await live(world, {
      heard: [said(ana, 'w0', 'of yesterday', { at: world.now - 24.5 * hour }), said(ben, 'w9', 'hi', { at: world.now })],
    })
    expect(sent()).to.deep.equal([])
    expect(notices()).to.have.length(1)
    await anaWrites('w2')
    expect(sent()).to.deep.equal(['one'])
  })

  it('goes out also when the person’s phone, or the network, says that they wrote earlier than before', async () => {
    world.answers = [() => ({ kind: 'refused', class: 'window_closed', words: 'Too late.' })]
    await anaWrites('w2')
    await live(world, { posted: [wrote('$a', alice, text('one'))] })
    expect(sent()).to.deep.equal([])
    await live(world, { heard: [said(ana, 'w3', 'now', { at: world.now - 60_000 })] })
    expect(sent()).to.deep.equal(['one'])
  })

  it('goes out also when the person writes a word to the bridge: the network counts it', async () => {
    const shared = createWorld(temporaryFolder())
    await live(shared, { heard: [said(ana, 'w1', 'hello', { at: shared.now })] }, { hub })
    shared.now += 25 * hour
    await live(shared, { posted: [wrote('$a', alice, text('one'))] }, { hub })
    await live(shared, { heard: [said(ana, 'w2', 'NAME Zebra', { at: shared.now })] }, { hub })
    const own = shared.sent.map((message) => message.text).filter((words) => words.includes('one'))
    expect(own).to.deep.equal(['Alice (Matrix): one'])
    removeFolder(shared.folder)
  })

  it('is sent once at most wherever the process ends while it goes out', async () => {
    for (let point = 1, crashed = true; crashed; point++) {
      const again = createWorld(temporaryFolder())
      await live(again, { heard: [said(ana, 'w1', 'hello', { at: again.now })] })
      again.now += 25 * hour
      await live(again, { posted: [wrote('$a', alice, text('one'))] })
      const answer = { heard: [said(ana, 'w2', 'again', { at: again.now })] }
      crashed = (await live(again, answer, { crashAt: point })).length === point
      await live(again, answer)
      const kit = await openKit(again)
      const state = selectOutbox(kit.store, 1)?.state
      expect([state, again.sent.length], `${point}`).to.deep.equal(state === 'unknown' ? [state, again.sent.length && 1] : ['submitted', 1])
      kit.close()
      removeFolder(again.folder)
    }
  })

  it('goes out in its order also when the account had to wait in between', async () => {
    await live(world, { posted: [wrote('$a', alice, text('one')), wrote('$b', alice, text('two'))] })
    const kit = await openKit(world)
    const [login] = selectLogins(kit.store)
    noteState(kit, login!.login, { state: 'backing_off', class: 'rate_limited', words: 'Slower.', until: world.now + 60_000 })
    take(kit, world, { posted: [wrote('$c', alice, text('three'))] })
    for (const { seq, body } of selectNewMatrixEvents(kit.store, 0, 10)) await applyMatrixEvent(kit, seq, JSON.parse(body.toString()))
    for (const { seq } of selectQueued(kit.store, 0, 10)) await submit(kit, seq)
    expect(selectOutbox(kit.store, 3)).to.include({ state: 'queued', class: 'window_closed' })
    kit.close()
    world.now += 60_000
    await anaWrites('w2')
    expect(sent()).to.deep.equal(['one', 'two', 'three'])
  })

  it('goes out before what is written later also when the operator gives it more time meanwhile', async () => {
    await live(world, { posted: [wrote('$a', alice, text('one'))] })
    await live(world, { posted: [wrote('$b', alice, text('two'))] }, { late: { ...defaultLateRules, humanAgent: true } })
    expect(sent()).to.deep.equal(['one', 'two'])
  })

  it('keeps the words of what it answers when it is corrected', async () => {
    const notice = (id: string) => wrote(id, '@bot2:hs.test', { msgtype: 'm.notice', body: 'Shop closes at six' })
    await live(world, { posted: [notice('$n'), wrote('$a', alice, text('I knwo', answering('$n')))] })
    await live(world, { posted: [edited('$e', alice, '$a', 'I know')] })
    await anaWrites('w2')
    expect(sent()).to.deep.equal(['↩ “Shop closes at six”\nI know'])
    const shared = createWorld(temporaryFolder())
    await live(shared, { heard: [said(ana, 'w1', 'hello', { at: shared.now })] }, { hub })
    shared.now += 25 * hour
    await live(shared, { posted: [notice('$n'), wrote('$a', alice, text('I knwo', answering('$n')))] }, { hub })
    await live(shared, { posted: [edited('$e', alice, '$a', 'I know')] }, { hub })
    await live(shared, { heard: [said(ana, 'w2', 'again', { at: shared.now })] }, { hub })
    expect(shared.sent.map((message) => message.text)).to.deep.equal(['Alice (Matrix): ↩ “Shop closes at six”\nI know'])
    removeFolder(shared.folder)
  })

  it('is called off by taking it back, and corrected where it waits', async () => {
    await live(world, { posted: [wrote('$a', alice, text('one')), wrote('$b', alice, text('tow')), wrote('$c', alice, text('three'))] })
    await live(world, { posted: [redacted('$r', alice, '$a'), edited('$e', alice, '$b', 'two')] })
    await anaWrites('w2')
    expect(sent()).to.deep.equal(['two', 'three'])
  })

  it('is refused at once, in words, where the operator or the account wants that', async () => {
    const late = { ...defaultLateRules, messages: 'refuse' as const }
    await live(world, { posted: [wrote('$a', alice, text('one'))] }, { late })
    const over = 'WhatsApp takes answers for 24 hours after a person wrote, and that time is over.'
    expect(notices()).to.have.length(1)
    expect(notices()[0]).to.include(`bot: Ana: ${over} Wait until they write again.\n`)
    const kit = await openKit(world)
    const [login] = selectLogins(kit.store)
    chooseLateRules(kit, login!.login, { messages: 'refuse' })
    kit.close()
    await live(world, { posted: [wrote('$b', alice, text('two'))] })
    await anaWrites('w2')
    expect(sent()).to.deep.equal([])
    expect(notices()).to.have.length(2)
  })

  it('goes out as a human’s for seven days, where the account may say so, and what was kept before goes with it', async () => {
    await live(world, { posted: [wrote('$a', alice, text('one'))] })
    const kit = await openKit(world)
    const [login] = selectLogins(kit.store)
    chooseLateRules(kit, login!.login, { humanAgent: true })
    releaseLogin(kit, login!.login)
    kit.close()
    await live(world, { posted: [wrote('$b', alice, text('two'))] })
    expect(world.sent.map((message) => [message.text, (message as { byHuman?: true }).byHuman])).to.deep.equal([
      ['one', true],
      ['two', true],
    ])
    world.now += 7 * 24 * hour
    await live(world, { posted: [wrote('$c', alice, text('three'))] })
    expect(notices().at(-1)).to.match(/takes answers for 7 days after a person wrote.*This is kept/)
  })

  it('is put back, and goes out anew, when the network takes it and then says that it came too late', async () => {
    await anaWrites('w2')
    await live(world, { posted: [wrote('$a', alice, text('one'))] })
    const { key } = world.sent[0]!
    const failure = { class: 'window_closed', words: 'Too late.' }
    const news = (state: 'sent' | 'failed'): InboundEvent => ({
      type: 'status',
      account,
      id: 'm0',
      tag: key,
      state,
      ...(state === 'failed' ? { failure } : {}),
    })
    await live(world, { heard: [news('failed')] })
    expect(notices().at(-1)).to.match(/^bot: Ana: .* This is kept/)
    await live(world, { heard: [news('sent')] })
    world.now += hour
    await anaWrites('w3')
    expect(world.sent.map((message) => message.text)).to.deep.equal(['one', 'one'])
    expect(world.sent[1]!.key).not.to.equal(key)
    await live(world, { heard: [{ type: 'status', account, id: 'm1', state: 'delivered' }] })
    const kit = await openKit(world)
    expect(selectOutbox(kit.store, 1)).to.include({ state: 'delivered', payload: null })
    kit.close()
  })
})
