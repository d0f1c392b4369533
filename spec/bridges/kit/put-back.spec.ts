import { expect } from 'chai'
import type { InboundEvent } from '../../../bridges/kit/connector.ts'
import { applyMatrixEvent } from '../../../bridges/kit/outbound/message.ts'
import { submit } from '../../../bridges/kit/outbox.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { account, createWorld, openKit, type World } from './house-of-cards.ts'
import { selectNewMatrixEvents, selectQueued } from './queues.ts'
import { alice, ana, edited, live, redacted, said, take, text, wrote } from './story.ts'

const hour = 3_600_000
const failure = { class: 'window_closed', words: 'Too late.' }
const lost = () => ({ kind: 'unknown', class: 'network', words: 'It may have been sent.' }) as const

describe('what the network takes, and then calls too late', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    await live(world, { heard: [said(ana, 'w1', 'hello', { at: world.now })] })
  })
  afterEach(() => removeFolder(world.folder))
  const sent = () => world.sent.map((message) => message.text)
  const tooLate = (id: string, tag: string): InboundEvent => ({ type: 'status', account, id, tag, state: 'failed', failure })
  const first = () => world.sent[0]?.key ?? ''
  async function anaWrites(id: string): Promise<void> {
    world.now += hour
    await live(world, { heard: [said(ana, id, 'again', { at: world.now })] })
  }

  it('stays withdrawn when it was taken back while nobody knew whether it had arrived', async () => {
    world.answers = [lost]
    await live(world, { posted: [wrote('$a', alice, text('secret'))] })
    await live(world, { posted: [redacted('$r', alice, '$a')] })
    await live(world, { heard: [tooLate('m0', first())] })
    const before = sent()
    await anaWrites('w2')
    expect(sent()).to.deep.equal(before)
  })

  it('stays withdrawn, also long after it was sent, when nothing more is told of that', async () => {
    world.answers = [lost]
    await live(world, { posted: [wrote('$a', alice, text('secret'))] })
    world.now += 25 * hour
    await live(world, { posted: [redacted('$r', alice, '$a')] })
    await live(world, { heard: [tooLate('m0', first())] })
    await anaWrites('w2')
    expect(sent()).to.deep.equal(['secret'])
  })

  for (const answer of [
    { kind: 'refused', ...failure },
    { kind: 'refused', class: 'recipient_unreachable', words: 'Nobody is there.' },
    { kind: 'retry', class: 'network', words: 'Not now.' },
  ] as const)
    it(`stays withdrawn, without a word, when it was taken back while it was being sent and the answer is “${answer.words}”`, async () => {
      const kit = await openKit(world)
      const read = async () => {
        for (const { seq, body } of selectNewMatrixEvents(kit.store, 0, 10)) await applyMatrixEvent(kit, seq, JSON.parse(body.toString()))
      }
      world.answers = [() => answer]
      take(kit, world, { posted: [wrote('$a', alice, text('secret'))] })
      await read()
      const taken = { ...kit, sessions: new Map(kit.sessions) }
      for (const [login, session] of kit.sessions)
        taken.sessions.set(login, {
          ...session,
          async send(message, key) {
            take(kit, world, { posted: [redacted('$r', alice, '$a')] })
            await read()
            return session.send(message, key)
          },
        })
      const [part] = selectQueued(kit.store, 0, 1)
      await submit(taken, part?.seq ?? 0)
      kit.close()
      await live(world, {})
      await anaWrites('w2')
      expect(sent()).to.deep.equal([])
    })

  it('goes out at once when the person has written since it was sent', async () => {
    await live(world, { posted: [wrote('$a', alice, text('one'))] })
    await live(world, { heard: [said(ana, 'w2', 'again', { at: world.now })] })
    await live(world, { heard: [tooLate('m0', first())] })
    await live(world, { posted: [wrote('$b', alice, text('two'))] })
    expect(sent()).to.deep.equal(['one', 'one', 'two'])
  })

  it('is not sent over and over when it is too late each time', async () => {
    world.answers = Array(5).fill(() => ({ kind: 'refused', ...failure }))
    await live(world, { posted: [wrote('$a', alice, text('one'))] })
    await live(world, {})
    expect(world.answers).to.have.length(4)
    await anaWrites('w2')
    await live(world, {})
    expect(world.answers).to.have.length(3)
  })

  it('is shown as what becomes of it each time', async () => {
    await live(world, { posted: [wrote('$a', alice, text('one'))] })
    await live(world, { heard: [tooLate('m0', first())] })
    await anaWrites('w2')
    await live(world, { heard: [tooLate('m1', world.sent[1]?.key ?? '')] })
    await anaWrites('w3')
    const shown = (type: string, key: string) => world.events.filter((event) => event.type === type).map(({ clear }) => clear[key])
    expect(shown('org.tombolo.delivery', 'state')).to.deep.equal(['sent', 'queued', 'sent', 'queued', 'sent'])
    expect(shown('com.beeper.message_send_status', 'status')).to.deep.equal(['SUCCESS', 'PENDING', 'SUCCESS', 'PENDING', 'SUCCESS'])
  })

  it('goes out as it was corrected meanwhile, once, and not after its correction', async () => {
    await live(world, { posted: [wrote('$a', alice, text('tow'))] })
    await live(world, { posted: [edited('$e', alice, '$a', 'two')] })
    await live(world, { heard: [tooLate('m0', first())] })
    await live(world, { heard: [tooLate('m1', world.sent[1]?.key ?? '')] })
    await anaWrites('w2')
    expect(sent()).to.deep.equal(['tow', '✏️ Corrected: two', 'two'])
  })

  it('goes out as it was corrected also when the correction is put back first', async () => {
    await live(world, { posted: [wrote('$a', alice, text('tow'))] })
    await live(world, { posted: [edited('$e', alice, '$a', 'two')] })
    await live(world, { heard: [tooLate('m1', world.sent[1]?.key ?? '')] })
    await live(world, { heard: [tooLate('m0', first())] })
    await anaWrites('w2')
    expect(sent()).to.deep.equal(['tow', '✏️ Corrected: two', 'two'])
  })
})
