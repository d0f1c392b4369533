import type { UserId } from '../core/ids.ts'
import type { PushAction } from '../core/push-rules.ts'
import type { OutsideMembership } from '../graph/graph.ts'
import type { Tools } from '../slice.ts'
import { type Write, write } from '../storage/database.ts'
import type { Lease } from '../storage/lease.ts'
import { badgeOf } from './badge.ts'
import { isRead } from './is-read.ts'
import { badgeBody, eventBody, nameIn, textIn, wantsBadge } from './notification.ts'
import { outsideInvite } from './outside-invites.ts'
import type { Pusher } from './pusher.ts'
import { deleteAllPushes, deletePusher, deletePushes, type QueuedRow, selectPusher, selectPushes } from './pushers.store.ts'

/** Tells one pusher's gateway what waits for it, in order. */
export type PushSender = {
  /** The pusher as it is now. */
  readonly set: (pusher: Pusher) => void
  /** Something may wait. */
  readonly kick: () => void
  /** The user has read something: the badge may be another. */
  readonly badge: () => void
}

/** Lets so many at a time through. */
export type Gate = <T>(task: () => Promise<T>) => Promise<T>

type State = {
  pusher: Pusher
  running: boolean
  kicked: boolean
  badgeDue: boolean
  /** The badge as it was told last. */
  told: number | undefined
  failures: number
  /** Ends the wait after a failure. */
  wait: AbortController | undefined
}
/** What senders work with; `tasks` are those at work. */
export type Sending = Tools & { readonly lease: Lease; readonly gate: Gate; readonly tasks: Set<Promise<void>> }
type Running = Sending & { readonly state: State }

const page = 20
const longestWait = 3_600_000
const afterError = 10_000
/** What could not be told for so long is not told any more. */
const tooOld = 24 * 3_600_000

/** A sender for a pusher, as long as a lease holds. */
export function createPushSender(sending: Sending, pusher: Pusher): PushSender {
  const state: State = { pusher, running: false, kicked: false, badgeDue: false, told: undefined, failures: 0, wait: undefined }
  const kick = () => {
    state.kicked = true
    if (state.running) return
    state.running = true
    const task: Promise<void> = run({ ...sending, state }).finally(() => sending.tasks.delete(task))
    sending.tasks.add(task)
  }
  return {
    set: (changed) => {
      state.pusher = changed
      state.wait?.abort()
    },
    kick,
    badge: () => {
      if (!wantsBadge(state.pusher) || !state.pusher.enabled) return
      state.badgeDue = true
      kick()
    },
  }
}

async function run(running: Running): Promise<void> {
  const { state, lease, home } = running
  while (state.kicked && !lease.signal.aborted) {
    state.kicked = false
    try {
      await tellAll(running)
    } catch (error) {
      home.log.warn('a notification could not be pushed', { appId: state.pusher.appId, error: String(error) })
      await home.clock.sleep(afterError, lease.signal)
      state.kicked = true
    }
  }
  state.running = false
}

async function tellAll(running: Running): Promise<void> {
  const { home, state, lease } = running
  const { userId, appId, pushkey } = state.pusher
  while (!lease.signal.aborted) {
    const rows = await home.database.select(selectPushes, userId, appId, pushkey, page)
    if (rows.length === 0) return tellBadge(running)
    for (const row of rows) {
      const body = await bodyFor(running, row)
      if (body !== undefined && !(await send(running, body, row.at + tooOld))) return
      await done(running, [write(deletePushes, userId, appId, pushkey, row.position)])
    }
  }
}

/** What is to be said about an event; nothing when it is read, redacted or too old by now, or the user is no more in the room. */
async function bodyFor(running: Running, { event_id, actions, at }: QueuedRow): Promise<string | undefined> {
  const { home, graph, people, state } = running
  const { pusher } = state
  if (!pusher.enabled || home.clock.now() - at > tooOld) return undefined
  const outside = await outsideInvite(graph, pusher.userId, event_id as `$${string}`)
  if (outside !== undefined) return outsideBody(running, actions, outside)
  const event = await graph.event(event_id as `$${string}`)
  if (event === undefined || event.redactedBy !== undefined) return undefined
  const room = await graph.room(event.roomId)
  const membership = room?.membership(pusher.userId)
  if (room === undefined || (membership !== 'join' && membership !== 'invite')) return undefined
  if (membership === 'join') {
    const unread = await graph.unread(event.roomId, await people.pushReader(pusher.userId))
    if (isRead(unread, event)) return undefined
  }
  const senderName = await nameIn(graph, event)
  const stateOf = (type: string) => room.state(type, '')?.pdu.content
  return eventBody({ pusher, event, state: stateOf, senderName, actions: actionsOf(actions), unread: await badgeFor(running) })
}

/** About an invitation to a room that this server is not in, by what came along with it. */
async function outsideBody(running: Running, actions: string, { event, state }: OutsideMembership): Promise<string> {
  const { pusher } = running.state
  const find = (type: string, stateKey: string) => state.find((one) => one.type === type && one.state_key === stateKey)?.content
  const senderName = textIn(find('m.room.member', event.pdu.sender), 'displayname')
  const stateOf = (type: string) => find(type, '')
  return eventBody({ pusher, event, state: stateOf, senderName, actions: actionsOf(actions), unread: await badgeFor(running) })
}

async function badgeFor({ graph, people, state }: Running): Promise<number | undefined> {
  const { pusher } = state
  const unread = wantsBadge(pusher) ? await badgeOf({ graph, people }, pusher.userId) : undefined
  state.told = unread
  return unread
}

function actionsOf(actions: string): PushAction[] {
  return JSON.parse(actions) as PushAction[]
}

async function tellBadge(running: Running): Promise<void> {
  const { state, graph, people } = running
  if (!state.badgeDue) return
  state.badgeDue = false
  const unread = await badgeOf({ graph, people }, state.pusher.userId)
  if (unread === state.told) return
  state.told = unread
  await send(running, badgeBody(state.pusher, unread), running.home.clock.now() + tooOld)
}

/** Sends until the gateway takes it, or it is too late; false when the pusher is no more, or the lease. */
async function send(running: Running, body: string, until: number): Promise<boolean> {
  const { home, state, lease, gate } = running
  for (;;) {
    const { data } = state.pusher.description as { data: { url: string } }
    const answer = await gate(() =>
      home.egress.fetchJson({
        url: data.url,
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body,
        limit: 64 * 1024,
        signal: lease.signal,
        allowPrivate: home.config.push.allow_private_addresses,
      }),
    )
    if (lease.signal.aborted) return false
    if (answer.ok && answer.status >= 200 && answer.status < 300) {
      state.failures = 0
      const { rejected } = answer.body
      if (!Array.isArray(rejected) || !rejected.includes(state.pusher.pushkey)) return true
      await reject(running)
      return false
    }
    const wait = Math.min(1000 * 2 ** state.failures++, longestWait)
    const reason = answer.ok ? `it answered ${answer.status}` : answer.words
    home.log.info('a push gateway did not take a notification', { appId: state.pusher.appId, reason, seconds: wait / 1000 })
    state.wait = new AbortController()
    await home.clock.sleep(wait, AbortSignal.any([state.wait.signal, lease.signal]))
    state.wait = undefined
    if (lease.signal.aborted || !(await stillThere(running))) return false
    if (home.clock.now() > until) return true
  }
}

/** "Homeservers must cease sending notification requests for these pushkeys and remove the associated pushers." */
async function reject(running: Running): Promise<void> {
  const { userId, appId, pushkey } = running.state.pusher
  await done(running, [write(deletePusher, userId, appId, pushkey), write(deleteAllPushes, userId, appId, pushkey)], userId)
}

async function stillThere({ home, state }: Running): Promise<boolean> {
  const { userId, appId, pushkey } = state.pusher
  return (await home.database.selectOne(selectPusher, userId, appId, pushkey)) !== undefined
}

async function done({ home, lease }: Running, writes: readonly Write[], changed?: UserId): Promise<void> {
  const log = changed === undefined ? [] : [{ kind: 'pusher', key: changed }]
  const outcome = await home.database.commit({ guards: [lease.guard], writes, log })
  if (!outcome.ok) throw new Error('another process pushes notifications')
}
