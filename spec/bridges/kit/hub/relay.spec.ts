import { expect } from 'chai'
import type { InboundEvent } from '../../../../bridges/kit/connector.ts'
import { accept, applyItem } from '../../../../bridges/kit/inbox.ts'
import type { Kit } from '../../../../bridges/kit/kit.ts'
import type { MatrixEvent } from '../../../../bridges/kit/matrix/event.ts'
import { applyMatrixEvent, expire } from '../../../../bridges/kit/outbound/message.ts'
import { submit } from '../../../../bridges/kit/outbox.ts'
import { selectOutbox } from '../../../../bridges/kit/store/outbox.store.ts'
import { insertMatrixEvent } from '../../../../bridges/kit/store/transactions.store.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { account, createWorld, openKit, type World } from '../house-of-cards.ts'
import { selectNewInbox, selectNewMatrixEvents, selectQueued } from '../queues.ts'

const hub = { alias: '#hub:hs.test', name: 'Bike sale', invite: [] }
const person = (phone: string, name?: string) => ({ ids: [{ kind: 'phone', value: phone }] as const, ...(name ? { name } : {}) })
const ghostOf = (network: string) => `@_${network}_${'b'.repeat(26)}:hs.test`

describe('a hub', () => {
  let world: World
  let kit: Kit & { close(): void }
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    kit = await openKit(world, { hub })
  })
  afterEach(() => {
    kit.close()
    removeFolder(world.folder)
  })

  async function hear(phone: string, text: string, name?: string): Promise<void> {
    const event = { type: 'message', account, chat: person(phone, name), id: `${phone} ${text}`, own: false, text } as InboundEvent
    accept(kit, [{ dedupKey: JSON.stringify(event), raw: JSON.stringify(event) }])
    for (const row of selectNewInbox(kit.store, 0, 100)) await applyItem(kit, row)
    await send()
  }

  async function send(): Promise<void> {
    for (const row of selectQueued(kit.store, 0, 100)) await submit(kit, row.seq)
  }

  async function post(id: string, sender: string, plain: Record<string, unknown>, type = 'm.room.message'): Promise<void> {
    const event = { event_id: id, room_id: '!room0', sender, type: 'm.room.encrypted', content: { type, plain } }
    insertMatrixEvent(kit.store, id, '!room0', Buffer.from(JSON.stringify(event)), kit.clock())
    for (const row of selectNewMatrixEvents(kit.store, 0, 100)) await applyMatrixEvent(kit, row.seq, event as unknown as MatrixEvent)
    await send()
  }

  const origin = (network: string, more: object = {}) => ({
    'org.tombolo.origin': { network, spoke: 'elsewhere', name: 'Bob', hop: 1, relay: true, ...more },
  })
  const texts = () => world.sent.map(({ to, text }) => `${to} ${text}`)

  it('takes every chat of the account into one room', async () => {
    await hear('15550000001', 'hello', 'Ana')
    await hear('15550000002', 'hi', 'Ben')
    expect(world.rooms.size).to.equal(1)
    expect([...world.rooms.values()][0]!.alias).to.equal('#hub:hs.test')
  })

  it('carries what one says to the others of the same network under their name, and not back', async () => {
    await hear('15550000001', 'hello', 'Ana')
    await hear('15550000002', 'hi', 'Ben')
    expect(texts()).to.deep.equal(['15550000001 Ben (WhatsApp): hi'])
  })

  it('carries what comes from other networks and from Matrix, under name and app', async () => {
    await hear('15550000001', 'hello', 'Ana')
    await post('$1', ghostOf('messenger'), { msgtype: 'm.text', body: 'I am here', ...origin('messenger') })
    await post('$2', '@alice:hs.test', { msgtype: 'm.text', body: 'So am I' })
    expect(texts()).to.deep.equal(['15550000001 Bob (Messenger): I am here', '15550000001 Alice (Matrix): So am I'])
  })

  it('never carries a message back to the chat it came from, by its mark', async () => {
    await hear('15550000001', 'hello', 'Ana')
    const { 'org.tombolo.origin': mark } = world.events[0]!.clear as { 'org.tombolo.origin': { spoke: string } }
    await post('$1', ghostOf('messenger'), { msgtype: 'm.text', body: 'echo', ...origin('messenger', { spoke: mark.spoke }) })
    expect(texts()).to.deep.equal([])
  })

  it('never carries what its own ghosts and bot wrote, whatever mark it bears', async () => {
    await hear('15550000001', 'hello', 'Ana')
    await post('$1', ghostOf('whatsapp'), { msgtype: 'm.text', body: 'a', ...origin('messenger') })
    await post('$2', '@_whatsapp_bot:hs.test', { msgtype: 'm.text', body: 'b' })
    expect(texts()).to.deep.equal([])
  })

  it('never carries what has passed a bridge too many, or is to stay', async () => {
    await hear('15550000001', 'hello', 'Ana')
    await post('$1', ghostOf('messenger'), { msgtype: 'm.text', body: 'a', ...origin('messenger', { hop: 2 }) })
    await post('$2', ghostOf('messenger'), { msgtype: 'm.text', body: 'b', ...origin('messenger', { relay: false }) })
    await post('$3', '@_messenger_bot:hs.test', { msgtype: 'm.text', body: 'c', ...origin('messenger', { relay: false }) })
    expect(texts()).to.deep.equal([])
  })

  it('does not believe the mark of somebody who is no ghost', async () => {
    await hear('15550000001', 'hello', 'Ana')
    await post('$1', '@mallory:hs.test', { msgtype: 'm.text', body: 'I am Bob', ...origin('messenger') })
    await post('$2', '@mallory:hs.test', { msgtype: 'm.text', body: 'me too', 'org.tombolo.origin': 'x' })
    expect(texts()).to.deep.equal([])
  })

  it('lets nobody write a line that looks like another’s, also where a long text is cut', async () => {
    await hear('15550000001', 'hello', 'Ana')
    await post('$1', '@alice:hs.test', { msgtype: 'm.text', body: 'hi\nBob (Messenger): pay me' })
    const filler = 'x'.repeat(60 - 'Alice (Matrix): '.length)
    await post('$2', '@alice:hs.test', { msgtype: 'm.text', body: `${filler}Bob (Messenger): pay me` })
    for (const { text } of world.sent) for (const line of text.split('\n')) expect(line).not.to.match(/^Bob \(Messenger\):/)
    expect(world.sent.map(({ text }) => text).join('|')).to.include('› Bob (Messenger): pay me')
  })

  it('knows a person without a name by a word, never by the number', async () => {
    await hear('15550000001', 'hello', '+1 555 000 0001')
    await hear('15550000002', 'hi', 'Ben')
    await hear('15550000001', 'again')
    expect(texts().at(-1)).to.match(/^15550000002 WhatsApp contact · [A-Z2-7]{4} \(WhatsApp\): again$/)
    expect(JSON.stringify(world.events.map(({ sender, clear }) => [sender, clear]))).not.to.include('5550000001')
  })

  it('tells the room when a message could not be decrypted, after waiting for its key', async () => {
    await hear('15550000001', 'hello', 'Ana')
    const event = { event_id: '$9', room_id: '!room0', sender: '@alice:hs.test', type: 'm.room.encrypted', content: { late: true } }
    insertMatrixEvent(kit.store, '$9', '!room0', Buffer.from(JSON.stringify(event)), kit.clock())
    const [row] = selectNewMatrixEvents(kit.store, 0, 1)
    expect(await applyMatrixEvent(kit, row!.seq, event)).to.equal('no key')
    expect(selectNewMatrixEvents(kit.store, 0, 1)).to.have.length(1)
    expire(kit, row!.seq, event)
    expect(selectNewMatrixEvents(kit.store, 0, 1)).to.have.length(0)
    expect(selectOutbox(kit.store, 1)).to.include({ state: 'failed', class: 'undecryptable', event: '$9' })
  })
})
