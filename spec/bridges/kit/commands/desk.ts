import { doChore } from '../../../../bridges/kit/chores.ts'
import type { Desk } from '../../../../bridges/kit/commands/desk.ts'
import { applyManagementEvent } from '../../../../bridges/kit/commands/management.ts'
import { applyItem } from '../../../../bridges/kit/inbox.ts'
import type { HubPlan, Kit, LateRules } from '../../../../bridges/kit/kit.ts'
import type { MatrixEvent } from '../../../../bridges/kit/matrix/event.ts'
import { expireKept, releaseAwoken, releaseChanged } from '../../../../bridges/kit/outbound/kept.ts'
import { applyMatrixEvent } from '../../../../bridges/kit/outbound/message.ts'
import { showStatuses } from '../../../../bridges/kit/outbound/status.ts'
import { abandonInterrupted, submit } from '../../../../bridges/kit/outbox.ts'
import { Crash, openKit, type World } from '../house-of-cards.ts'
import { selectNewChores, selectNewInbox, selectNewMatrixEvents, selectQueued } from '../queues.ts'
import { type Happened, take } from '../story.ts'

type Options = { readonly hub?: HubPlan; readonly late?: LateRules; readonly crashAt?: number; readonly sendsHeld?: boolean }

/** What the commands of a bridge's bot work with. */
export function deskOf(world: World, kit: Kit): Desk {
  const rooms: Desk['rooms'] = {
    invite: async () => undefined,
    setName: async () => undefined,
    isEncrypted: async (room) => !world.open.has(room),
    name: async () => undefined,
  }
  const outbox = { wake: () => undefined }
  return { ...kit, sessions: new Map(kit.sessions), rooms, permissions: { users: ['*'], admins: [] }, outbox }
}

/** Starts a bridge with its bot on the world, and works until all is done or it crashes; `sendsHeld`: nothing goes to the network. Gives the points passed. */
export async function liveWithBot(world: World, happened: Happened, options: Options = {}): Promise<readonly string[]> {
  const { sendsHeld, ...more } = options
  const kit = await openKit(world, more)
  const desk = deskOf(world, kit)
  try {
    abandonInterrupted(desk)
    releaseChanged(desk)
    releaseAwoken(desk)
    take(desk, world, happened)
    await work(desk, sendsHeld === true)
  } catch (error) {
    if (!(error instanceof Crash)) throw error
  } finally {
    kit.close()
  }
  return kit.passed
}

async function work(desk: Desk, sendsHeld: boolean): Promise<void> {
  for (let busy = true; busy; ) {
    const [item] = selectNewInbox(desk.store, 0, 1)
    const [event] = selectNewMatrixEvents(desk.store, 0, 1)
    const [part] = sendsHeld ? [] : selectQueued(desk.store, 0, 1)
    const [chore] = selectNewChores(desk.store, 0, 1)
    if (item) await applyItem(desk, item)
    if (item) releaseAwoken(desk)
    if (event) await apply(desk, event.seq, JSON.parse(event.body.toString()) as MatrixEvent)
    if (part) await submit(desk, part.seq)
    if (chore) await doChore(desk, desk.rooms, chore)
    busy = [item, event, part, chore].some((row) => row !== undefined)
  }
  expireKept(desk)
  await showStatuses(desk, new AbortController().signal)
}

async function apply(desk: Desk, seq: number, event: MatrixEvent): Promise<void> {
  if (!(await applyManagementEvent(desk, seq, event))) await applyMatrixEvent(desk, seq, event)
}
