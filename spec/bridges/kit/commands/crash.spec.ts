import { expect } from 'chai'
import { doChore } from '../../../../bridges/kit/chores.ts'
import type { Desk } from '../../../../bridges/kit/commands/desk.ts'
import { applyManagementEvent } from '../../../../bridges/kit/commands/management.ts'
import type { InboundEvent } from '../../../../bridges/kit/connector.ts'
import { accept, applyItem } from '../../../../bridges/kit/inbox.ts'
import type { Kit } from '../../../../bridges/kit/kit.ts'
import type { MatrixEvent } from '../../../../bridges/kit/matrix/event.ts'
import { submit } from '../../../../bridges/kit/outbox.ts'
import { insertMatrixEvent } from '../../../../bridges/kit/store/transactions.store.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { Crash, createWorld, openKit, type World } from '../house-of-cards.ts'
import { selectNewChores, selectNewInbox, selectNewMatrixEvents, selectQueued } from '../queues.ts'
import { ana, said } from '../story.ts'

const alice = '@alice:hs.test'
const bot = '@_whatsapp_bot:hs.test'
type Moment = { readonly heard: InboundEvent } | { readonly posted: MatrixEvent }

const invitation: MatrixEvent = {
  event_id: '$invitation',
  room_id: '!dm',
  sender: alice,
  type: 'm.room.member',
  state_key: bot,
  content: { membership: 'invite' },
}
const command = (id: string, body: string): Moment => ({
  posted: { event_id: id, room_id: '!dm', sender: alice, type: 'm.room.message', content: { msgtype: 'm.text', body } },
})
const story: readonly Moment[] = [
  { heard: said(ana, 'in1', 'hello') },
  { posted: invitation },
  command('$1', 'hub create Bike sale'),
  command('$2', 'connect Ana Bike sale'),
  { heard: said(ana, 'in2', 'YES') },
  { heard: said(ana, 'in3', 'NAME Zoe') },
  { heard: said(ana, 'in4', 'here I am') },
  { heard: said(ana, 'in5', 'STOP') },
  command('$3', 'logout'),
]

describe('what people tell the bot', () => {
  it('has one effect and one answer, wherever the process ends while it is done', async () => {
    const whole = await tell(undefined)
    expect(whole.crashes).to.equal(0)
    expect(whole.notices.join('\n')).to.match(
      /bridge is yours[\s\S]*“Bike sale” is made[\s\S]*Ana is asked[\s\S]*wrote STOP[\s\S]*Logged out/,
    )
    for (let point = 1; ; point++) {
      const { crashes, ...cut } = await tell(point)
      const { crashes: _, ...expected } = whole
      expect(cut, `cut off at point ${point}`).to.deep.equal(expected)
      if (crashes > 0) continue
      expect(point, 'points in one moment').to.be.above(8)
      break
    }
  })
})

/** Plays the story; each of its moments is cut off once, at the point of that number. Gives what came of it. */
async function tell(crashAt: number | undefined) {
  const world = createWorld(temporaryFolder())
  const done = new Set<string>()
  let crashes = 0
  for (const moment of story) {
    const passed = crashAt === undefined ? true : await live(world, moment, done, crashAt)
    if (!passed) crashes++
    await live(world, moment, done, undefined)
  }
  removeFolder(world.folder)
  const notices = world.events.filter(({ clear }) => clear['org.tombolo.bot'] === true).map(({ clear }) => withoutIds(clear['body']))
  const messages = world.events.filter(({ clear }) => clear['msgtype'] === 'm.text').map(({ clear }) => clear['body'])
  return { crashes, notices, messages, sent: world.sent.map(({ text }) => text), rooms: world.rooms.size, done: [...done].map(withoutIds) }
}

/** Ids are random in each world. */
function withoutIds(text: unknown): string {
  return String(text)
    .replace(/_[a-z2-7]{26}:/g, '_ghost:')
    .replace(/_hub_[a-z0-9]{12}:/, '_hub:')
}

async function live(world: World, moment: Moment, done: Set<string>, crashAt: number | undefined): Promise<boolean> {
  const kit = await openKit(world, crashAt === undefined ? {} : { crashAt })
  const rooms: Desk['rooms'] = {
    invite: async (user, room) => void done.add(`invite ${user} ${room}`),
    setName: async (user, room, name) => void done.add(`name ${user} ${room} ${name}`),
    isEncrypted: async () => false,
    name: async () => undefined,
  }
  const sessions = new Map(kit.sessions)
  const outbox = { wake: () => undefined }
  const matrix = { ...kit.matrix, leave: async (user: string, room: string) => void done.add(`leave ${user} ${room}`) }
  const desk: Desk = { ...kit, matrix, owner: undefined, sessions, rooms, permissions: { users: ['*'], admins: [] }, outbox }
  try {
    take(kit, moment)
    await work(desk)
    return true
  } catch (error) {
    if (!(error instanceof Crash)) throw error
    return false
  } finally {
    kit.close()
  }
}

function take(kit: Kit, moment: Moment): void {
  if ('heard' in moment) accept(kit, [{ dedupKey: JSON.stringify(moment.heard), raw: JSON.stringify(moment.heard) }])
  else insertMatrixEvent(kit.store, moment.posted.event_id, moment.posted.room_id, Buffer.from(JSON.stringify(moment.posted)), kit.clock())
}

async function work(desk: Desk): Promise<void> {
  for (let busy = true; busy; ) {
    const [item] = selectNewInbox(desk.store, 0, 1)
    const [event] = selectNewMatrixEvents(desk.store, 0, 1)
    const [part] = selectQueued(desk.store, 0, 1)
    const [chore] = selectNewChores(desk.store, 0, 1)
    if (item) await applyItem(desk, item)
    if (event) await applyManagementEvent(desk, event.seq, JSON.parse(event.body.toString()) as MatrixEvent)
    // What a cut in the middle of a send comes to stands in the specs of the outbox.
    if (part) await submit({ ...desk, checkpoint: () => undefined }, part.seq)
    if (chore) await doChore(desk, desk.rooms, chore)
    busy = [item, event, part, chore].some((row) => row !== undefined)
  }
}
