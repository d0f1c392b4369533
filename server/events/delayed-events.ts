import type { EventId, RoomId, UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { parseKept } from '../core/lossless-json.ts'
import { forbidden, MatrixError, notFound, unknown, userSuspended } from '../core/matrix-error.ts'
import type { Template } from '../graph/graph.ts'
import type { Reader, Tools } from '../slice.ts'
import { guard, write } from '../storage/database.ts'
import {
  type DelayedRow,
  deleteDelayed,
  insertDelayed,
  selectDelayed,
  selectDelayedOf,
  selectNext,
  selectOfTransaction,
  selectWaiting,
  updateRestarted,
} from './delayed-events.store.ts'

/** Events that are sent later, unless somebody cancels them. https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
export type DelayedEvents = {
  /** Keeps an event for later and gives its delay id; the same transaction gives the same one. */
  readonly schedule: (roomId: RoomId, template: Template, delay: number, transactionKey: string | undefined) => Promise<string>
  readonly list: (userId: UserId) => Promise<DelayedRow[]>
  /** 404 M_NOT_FOUND when there is none, or no more. */
  readonly act: (delayId: string, action: Action) => Promise<void>
  readonly reader: Reader
}

type Needs = Pick<Tools, 'home' | 'graph' | 'people'>

export const actions = ['send', 'cancel', 'restart'] as const
export type Action = (typeof actions)[number]

const mostOfUser = 100
const longestSleep = 60_000
const atOnce = 50
const kind = 'delayed_event'

export function createDelayedEvents(tools: Needs): DelayedEvents {
  const { database, clock, random } = tools.home
  return {
    schedule: async (roomId, template, delay, transactionKey) => {
      const membership = (await tools.graph.memberships(template.sender)).get(roomId)?.membership
      if (membership !== 'join') throw forbidden('you are not in this room')
      const earlier = transactionKey === undefined ? undefined : await database.selectOne(selectOfTransaction, transactionKey)
      if (earlier !== undefined) return earlier.delay_id
      await tools.graph.checkTemplate(roomId, template)
      if ((await database.select(selectDelayedOf, template.sender, mostOfUser)).length >= mostOfUser) throw tooMany()
      const delayId = random(18).toString('base64url')
      const now = clock.now()
      const { sender, type, stateKey = null, redacts = null, content } = template
      const text = JSON.stringify(content)
      const row = [delayId, sender, roomId, type, stateKey, redacts, text, delay, now, now, now + delay, transactionKey ?? null] as const
      const isNew = transactionKey === undefined ? [] : [guard('transaction', 'no row', selectOfTransaction, transactionKey)]
      const { ok } = await database.commit({ guards: isNew, writes: [write(insertDelayed, ...row)], log: [{ kind, key: sender }] })
      if (ok) return delayId
      return (await database.selectOne(selectOfTransaction, transactionKey ?? ''))?.delay_id ?? delayId
    },
    list: (userId) => database.select(selectDelayedOf, userId, mostOfUser),
    act: (delayId, action) => act(tools, delayId, action),
    reader: delayedEventsReader(tools),
  }
}

/** 400 for a delay that is longer than the server keeps events. */
export function tooLong(longest: number): MatrixError {
  return unknown('the delay is too long', { 'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED', 'org.matrix.msc4140.max_delay': longest })
}

function tooMany(): MatrixError {
  return unknown('too many delayed events', { 'org.matrix.msc4140.errcode': 'M_MAX_DELAYED_EVENTS_EXCEEDED' })
}

async function act(tools: Needs, delayId: string, action: Action): Promise<void> {
  const { database, clock } = tools.home
  const row = await database.selectOne(selectDelayed, delayId)
  if (row === undefined) throw notFound('there is no such delayed event')
  if (action === 'send') {
    if (await isBarred(tools, row)) throw userSuspended()
    if (!(await send(tools, row))) throw notFound('this delayed event was sent or cancelled')
    return
  }
  const now = clock.now()
  const change = action === 'cancel' ? write(deleteDelayed, delayId) : write(updateRestarted, now, now, delayId)
  const waiting = guard('waiting', 'row', selectDelayed, delayId)
  const { ok } = await database.commit({ guards: [waiting], writes: [change], log: [{ kind, key: row.user_id }] })
  if (!ok) throw notFound('this delayed event was sent or cancelled')
}

/** Sends an event and forgets that it was to be sent, in one write: once, whatever process does it; false when it waits no more. */
async function send({ graph }: Pick<Tools, 'graph'>, row: DelayedRow): Promise<boolean> {
  const { delay_id, room_id, type, state_key, redacts, content, user_id, send_at } = row
  const template: Template = {
    type,
    sender: user_id as UserId,
    content: parseKept(content) as JsonObject,
    delayId: delay_id,
    ...(state_key === null ? {} : { stateKey: state_key }),
    ...(redacts === null ? {} : { redacts: redacts as EventId }),
  }
  const appended = await graph.append(room_id as RoomId, [template], {
    guards: [guard('waiting', 'row', selectWaiting, delay_id, send_at)],
    writes: [write(deleteDelayed, delay_id)],
  })
  return appended.guard === undefined
}

/** Sends what is due; sleeps until the next one is, or something changes. */
function delayedEventsReader(tools: Needs): Reader {
  const { database, clock, notifier, log } = tools.home
  const stopping = new AbortController()
  let changed = new AbortController()
  let unfollow = () => {}
  let loop: Promise<void> = Promise.resolve()

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      changed = new AbortController()
      const wait = await sendDue(tools).catch((error: unknown) => {
        log.error('delayed events could not be sent', { error: String(error) })
        return 1000
      })
      const woken = AbortSignal.any([stopping.signal, changed.signal])
      if (wait === undefined) await aborted(woken)
      else if (wait > 0) await clock.sleep(Math.min(wait, longestSleep), woken)
    }
  }

  return {
    name: 'delayed events',
    start: async () => {
      unfollow = notifier.onAdvance((_, rows) => {
        if (rows.some((row) => row.kind === kind)) changed.abort()
      })
      await database.select(selectNext, 1)
      loop = run()
    },
    stop: async () => {
      unfollow()
      stopping.abort()
      await loop
    },
  }
}

/** Resolves with the signal, at once when it has come. */
function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => void signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Sends what is due, and gives the milliseconds until more will be; undefined when nothing waits. */
async function sendDue(tools: Needs): Promise<number | undefined> {
  const { database, clock } = tools.home
  for (const row of await database.select(selectNext, atOnce)) {
    const left = row.send_at - clock.now()
    if (left > 0) return left
    await sendOrDrop(tools, row)
  }
  return (await database.select(selectNext, 1)).length === 0 ? undefined : 0
}

/**
 * What the room refuses by then is not tried again; nor is what its sender may not say any more, and a state event in whose place somebody else has
 * set another one meanwhile.
 */
async function sendOrDrop(tools: Needs, row: DelayedRow): Promise<void> {
  const { database, log } = tools.home
  const drop = () => database.commit({ writes: [write(deleteDelayed, row.delay_id)] })
  if ((await isBarred(tools, row)) || (await isOvertaken(tools, row))) return void (await drop())
  try {
    await send(tools, row)
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
    log.info('a delayed event was refused', { delayId: row.delay_id, room: row.room_id, error: error.message })
    await drop()
  }
}

/** Whether its sender was locked or suspended meanwhile. State that is emptied takes something back, as when a call is left: that is still done. */
async function isBarred({ people }: Pick<Tools, 'people'>, { user_id, state_key, content }: DelayedRow): Promise<boolean> {
  if (state_key !== null && content === '{}') return false
  const account = await people.account(user_id as UserId)
  return account?.locked === true || account?.suspended === true
}

async function isOvertaken(
  { graph }: Pick<Tools, 'graph'>,
  { room_id, type, state_key, user_id, created_at }: DelayedRow,
): Promise<boolean> {
  if (state_key === null) return false
  const room = await graph.freshRoom(room_id as RoomId)
  if (type === 'm.room.member') await graph.members(room_id as RoomId, [state_key as UserId])
  const current = room?.state(type, state_key)?.pdu
  return current !== undefined && current.sender !== user_id && current.origin_server_ts > created_at
}
