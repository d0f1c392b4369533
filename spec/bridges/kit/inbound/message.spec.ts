import { expect } from 'chai'
import type { InboundEvent } from '../../../../bridges/kit/connector.ts'
import { accept, applyItem } from '../../../../bridges/kit/inbox.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { account, Crash, createWorld, messagesIn, openKit, type World } from '../house-of-cards.ts'
import { selectNewInbox } from '../queues.ts'

const chat = {
  ids: [
    { kind: 'bsuid', value: 'US.ana' },
    { kind: 'phone', value: '15551234567' },
  ],
  name: 'Ana',
} as const
const said = (id: string, text: string): InboundEvent => ({ type: 'message', account, chat, id, own: false, text })
const items = (...events: InboundEvent[]) => events.map((event) => ({ dedupKey: JSON.stringify(event), raw: JSON.stringify(event) }))

async function run(world: World, crashAt?: number, hub?: Parameters<typeof openKit>[1]): Promise<readonly string[]> {
  const kit = await openKit(world, { ...hub, ...(crashAt === undefined ? {} : { crashAt }) })
  try {
    for (const row of selectNewInbox(kit.store, 0, 100)) await applyItem(kit, row)
  } catch (error) {
    if (!(error instanceof Crash)) throw error
  } finally {
    kit.close()
  }
  return kit.passed
}

async function keep(world: World, ...events: InboundEvent[]): Promise<number> {
  const kit = await openKit(world)
  const count = accept(kit, items(...events))
  kit.close()
  return count
}

describe('a message from the network', () => {
  let world: World
  beforeEach(() => {
    world = createWorld(temporaryFolder())
  })
  afterEach(() => removeFolder(world.folder))

  it('stands in the room once, written by the person’s ghost', async () => {
    await keep(world, said('w1', 'hello'), said('w2', 'again'))
    await run(world)
    expect(messagesIn(world)).to.deep.equal(['ghost: hello', 'ghost: again'])
    expect(world.rooms.size).to.equal(1)
    expect(world.events[0]!.sender).to.match(/^@_whatsapp_[a-z2-7]{26}:hs\.test$/)
  })

  it('is there once although the network repeats itself a hundred times', async () => {
    expect(await keep(world, said('w1', 'hello'))).to.equal(1)
    await run(world)
    for (let n = 0; n < 100; n++) expect(await keep(world, said('w1', 'hello'))).to.equal(0)
    await run(world)
    expect(messagesIn(world)).to.deep.equal(['ghost: hello'])
  })

  it('is there once, in one room, wherever the process ends and starts again', async () => {
    await keep(world, said('w1', 'hello'))
    const points = await run(world)
    expect(points).to.include.members([
      'portal known',
      'room made',
      'event encrypted',
      'event stored',
      'event sent',
      'event noted',
      'item applied',
    ])
    for (let at = 1; at <= points.length; at++) {
      const again = createWorld(temporaryFolder())
      await keep(again, said('w1', 'hello'), said('w2', 'more'))
      await run(again, at)
      await run(again)
      expect(messagesIn(again), points[at - 1]).to.deep.equal(['ghost: hello', 'ghost: more'])
      expect(again.rooms.size, points[at - 1]).to.equal(1)
      removeFolder(again.folder)
    }
  })

  it('leaves no number, id or text in the bridge’s file that is not sealed', async () => {
    await keep(world, said('wamid.15551234567', 'a secret text'))
    await run(world)
    const { readFileSync, readdirSync } = await import('node:fs')
    const bytes = readdirSync(world.folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => readFileSync(`${world.folder}/${name}`, 'latin1'))
      .join('')
    for (const word of ['15551234567', 'US.ana', 'a secret text', 'Ana']) expect(bytes.includes(word), word).to.equal(false)
  })

  it('comes from the same person under the number and under the user id, and from another when the number has a new owner', async () => {
    const byNumber = { ids: [{ kind: 'phone', value: '15551234567' }] } as const
    const heir = {
      ids: [
        { kind: 'bsuid', value: 'US.heir' },
        { kind: 'phone', value: '15551234567' },
      ],
    } as const
    const from = (id: string, who: typeof byNumber | typeof chat | typeof heir) => ({ ...said(id, id), chat: who }) as InboundEvent
    await keep(world, from('w1', byNumber), from('w2', chat), from('w3', heir))
    await run(world)
    const [first, second, third] = world.events.map(({ sender }) => sender)
    expect(second).to.equal(first)
    expect(third).not.to.equal(first)
    expect(world.rooms.size).to.equal(2)
  })

  it('goes on with the same ghost and room when the person’s ids change', async () => {
    const after = {
      ids: [
        { kind: 'bsuid', value: 'US.new' },
        { kind: 'phone', value: '15550000000' },
      ],
    } as const
    const moved: InboundEvent = { type: 'identity', account, chat: after, was: chat }
    await keep(world, said('w1', 'before'), moved, { ...said('w2', 'after'), chat: after } as InboundEvent)
    await run(world)
    expect(new Set(world.events.map(({ sender, room }) => `${sender} ${room}`)).size).to.equal(1)
  })

  it('of an account that is not ours changes nothing', async () => {
    await keep(world, { ...said('w1', 'hello'), account: '9' })
    await run(world)
    expect(world.events).to.have.length(0)
  })

  it('that another client of the account wrote is shown, and stays in the room', async () => {
    await keep(world, { ...said('w1', 'from the inbox'), own: true } as InboundEvent)
    await run(world)
    expect(messagesIn(world)).to.deep.equal(['bot: To Ana, from WhatsApp: from the inbox'])
    expect(world.events[0]!.clear['org.tombolo.origin']).to.include({ relay: false })
  })

  it('of a kind that is not carried yet is named, not dropped', async () => {
    await keep(world, { type: 'unsupported', account, chat, id: 'w1', own: false, nativeType: 'image', text: 'my bike' })
    await run(world)
    expect(messagesIn(world)).to.deep.equal(['ghost: Sent something that is not carried yet (image): my bike'])
  })
})
