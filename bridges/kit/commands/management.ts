import { addChore } from '../chores.ts'
import { isMatrixEvent, type MatrixEvent } from '../matrix/event.ts'
import { isTransient, MatrixRequestError } from '../matrix/side.ts'
import { withoutQuote } from '../outbound/words.ts'
import { deleteManagementRoom, insertManagementRoom, type ManagementRoom, selectManagementRoom } from '../store/management.store.ts'
import { selectPortalsIn } from '../store/portals.store.ts'
import { selectHubs } from '../store/spokes.store.ts'
import { finishMatrixEvent, selectMatrixEvent } from '../store/transactions.store.ts'
import { readEvent } from '../transactions.ts'
import { answer } from './answer.ts'
import { applyChatEvent, isChatCommand } from './chat.ts'
import { runCommand } from './commands.ts'
import type { Desk, Outcome, Step } from './desk.ts'
import { greet } from './greeting.ts'
import { levelOf } from './permissions.ts'

const notAllowed = 'You may not use this bridge. Whoever runs the homeserver can allow you to, under `permissions` in its configuration.'
const notAlone = 'There are others in this room. I take commands only where you and I are alone: invite me to a direct chat.'
const noKey = 'I could not decrypt that. Send it again, please.'
const textOnly = 'I read only text. `help` shows what I understand.'

/**
 * Takes an event that is for the bot itself: an invitation, something in a management room, or a command in a chat's. `undefined` for all others. May be
 * run again after a crash: the answer, what it changes and the mark that the event is done are one write.
 */
export async function applyManagementEvent(desk: Desk, seq: number, event: MatrixEvent): Promise<'done' | 'no key' | undefined> {
  if (event.type === 'm.room.member' && event.state_key === desk.matrix.botUserId) return botMembership(desk, seq, event)
  const room = selectManagementRoom(desk.store, event.room_id)
  if (!room || isInUse(desk, event.room_id)) return applyChatEvent(desk, seq, event)
  if (event.sender !== room.user || 'state_key' in event) return finish(desk, seq)
  if (event.type !== 'm.room.message' && event.type !== 'm.room.encrypted') return finish(desk, seq)
  const read = event.type === 'm.room.encrypted' ? desk.encryption.decrypt(event) : { kind: 'clear' as const, ...event }
  if (read.kind === 'no key') return 'no key'
  if (read.kind === 'refused') return answer(desk, seq, event, { words: noKey })
  if (read.type !== 'm.room.message' || isCorrection(read.content)) return finish(desk, seq)
  return answer(desk, seq, event, await outcomeOf(desk, room, event, read.content))
}

/** The wait for a key is over: says so where the event was for the bot. False for all others. */
export function expireManagementEvent(desk: Desk, seq: number, event: MatrixEvent): boolean {
  if (!selectManagementRoom(desk.store, event.room_id)) return false
  answer(desk, seq, event, { words: noKey })
  return true
}

/** A command that failed again and again for a reason of the bridge's own: who wrote it is not left without an answer. */
export function failManagementEvent(desk: Desk, room: string, event: string): void {
  if (!(selectManagementRoom(desk.store, room) && !isInUse(desk, room)) && !isFromChat(desk, event)) return
  addChore(desk, `answer ${event}`, { kind: 'notice', room, text: 'That did not work, for a reason that stands in the log of the bridge.' })
}

/** What cannot be read is nobody's command. */
function isFromChat(desk: Desk, id: string): boolean {
  try {
    const row = selectMatrixEvent(desk.store, id)
    const event = row && readEvent(desk, row)
    return isMatrixEvent(event) && isChatCommand(desk, event)
  } catch {
    return false
  }
}

async function outcomeOf(desk: Desk, room: ManagementRoom, event: MatrixEvent, content: MatrixEvent['content']): Promise<Outcome> {
  const { user } = room
  const level = levelOf(desk, desk.permissions, user)
  if (level === 'none') return { words: notAllowed }
  const members = await desk.matrix.members(room.room)
  if (members.some(({ userId }) => userId !== user && userId !== desk.matrix.botUserId)) return { words: notAlone }
  const { msgtype, body } = content
  if (msgtype === 'm.notice') return { words: '' }
  if (msgtype !== 'm.text' || typeof body !== 'string' || body.trim() === '') return { words: textOnly }
  const step = room.step ? (JSON.parse(desk.vault.open(room.step, `step ${room.room}`)) as Step) : undefined
  return runCommand({ desk, user, level, room: room.room, event: event.event_id }, withoutQuote(body), step)
}

/** An invitation by somebody who may use the bridge makes a management room; one by a bridge is for a hub, and left to it; others are refused. */
async function botMembership(desk: Desk, seq: number, event: MatrixEvent): Promise<'done' | undefined> {
  const { store, matrix, rooms } = desk
  const { room_id: room, sender } = event
  const { membership } = event.content
  if (membership !== 'invite') {
    if (membership === 'leave' || membership === 'ban') deleteManagementRoom(store, room)
    return finish(desk, seq)
  }
  if (isInUse(desk, room) || /^@_[a-z]+_(?:bot|[a-z2-7]{26}):/.test(sender)) return finish(desk, seq)
  if (levelOf(desk, desk.permissions, sender) === 'none') {
    await unlessGone(matrix.leave(matrix.botUserId, room))
    return finish(desk, seq)
  }
  if ((await unlessGone(matrix.join(matrix.botUserId, room))) === 'gone') return finish(desk, seq)
  desk.checkpoint('bot joined')
  const encrypted = await rooms.isEncrypted(room)
  const members = await matrix.members(room)
  const others = members.filter(({ userId }) => userId !== sender && userId !== matrix.botUserId)
  store.atomically(() => {
    if (others.length === 0) insertManagementRoom(store, room, sender, desk.clock())
    const text = others.length > 0 ? notAlone : greet(desk, sender, encrypted)
    addChore(desk, `greeting ${event.event_id}`, { kind: 'notice', room, text })
    finishMatrixEvent(store, seq, 'done')
  })
  return 'done'
}

function isInUse({ store }: Desk, room: string): boolean {
  return selectPortalsIn(store, room).length > 0 || selectHubs(store).some((hub) => hub.room === room)
}

/** An invitation may have been taken back meanwhile. */
async function unlessGone(done: Promise<void>): Promise<'gone' | undefined> {
  try {
    await done
    return undefined
  } catch (error) {
    if (isTransient(error) || !(error instanceof MatrixRequestError)) throw error
    return 'gone'
  }
}

function finish({ store }: Desk, seq: number): 'done' {
  finishMatrixEvent(store, seq, 'ignored')
  return 'done'
}

function isCorrection(content: MatrixEvent['content']): boolean {
  const relation = content['m.relates_to']
  return typeof relation === 'object' && relation !== null && (relation as { rel_type?: unknown }).rel_type === 'm.replace'
}
