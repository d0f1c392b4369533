import type { MatrixEvent } from '../matrix/event.ts'
import { answeredBy, relatedBy, withoutQuote } from '../outbound/words.ts'
import { type PortalRow, selectPortalsIn } from '../store/portals.store.ts'
import { finishMatrixEvent } from '../store/transactions.store.ts'
import { answer } from './answer.ts'
import { chatsFor, clip } from './chats.ts'
import { type Call, type Desk, Mistake, type Outcome } from './desk.ts'
import { levelOf } from './permissions.ts'
import { sendEventAgain } from './send-again.ts'
import { listTemplates, sendTemplate } from './templates.ts'

type Content = Readonly<Record<string, unknown>>
/** A call from the room of a chat: which of its chats are the user's, and which event it answers. */
type ChatCall = Call & { readonly chats: readonly PortalRow[]; readonly about: string | undefined }

const prefix = /^!tombolo(?:\s+|$)/i
const againSign = '🔁'
const againWords = /^send\s+again\b/i
const notAllowed = 'You may not do that with this chat: it is somebody else’s.'
const usage = [
  'In the room of a chat I understand:',
  '• `!tombolo send again`, as a reply to a message that did not arrive, or to what I said of it — sends it once more; so does 🔁 on what I said',
  '• `!tombolo templates` — what may be sent at any time, where the network has such a thing',
  '• `!tombolo template NAME` — sends one, with a line after it for each value',
  'A message that waits is withdrawn by removing it. The rest I understand in our direct chat.',
].join('\n')

/**
 * Takes what somebody says to the bot in the room of a chat: `!tombolo …`, or 🔁 on a notice of the bot. None of it goes to the network. `undefined` for
 * all other events. In shared rooms, where the bots of several networks listen, one that has nothing to do with it is silent.
 */
export async function applyChatEvent(desk: Desk, seq: number, event: MatrixEvent): Promise<'done' | undefined> {
  const { room_id: room, sender, type } = event
  const chats = selectPortalsIn(desk.store, room)
  if (chats.length === 0 || 'state_key' in event || /^@_[a-z]+_/.test(sender)) return undefined
  if (type === 'm.reaction') return applySign(desk, seq, event, chats)
  const said = readCommand(await readMessage(desk, event))
  if (!said) return undefined
  const call = callOf(desk, event, chats, said)
  const isShared = chats.some(({ hub }) => hub === 1)
  const outcome = call ? await runQuietly(call, isShared) : isShared ? undefined : { words: notAllowed }
  if (outcome) return answer(desk, seq, event, outcome)
  finishMatrixEvent(desk.store, seq, 'ignored')
  return 'done'
}

/** Whether somebody says with an event in the room of a chat what the bot is to do, and may. */
export function isChatCommand(desk: Desk, event: MatrixEvent): boolean {
  const chats = selectPortalsIn(desk.store, event.room_id)
  if ('state_key' in event || /^@_[a-z]+_/.test(event.sender)) return false
  const said = readCommand(event.type === 'm.room.message' ? event.content : readEncrypted(desk, event))
  const call = said && callOf(desk, event, chats, said)
  return call !== undefined && (againWords.test(call.rest) || chats.every(({ hub }) => hub === 0))
}

/** What is said to the bot, and in answer to which event; undefined for all other messages. */
function readCommand(content: Content | undefined): Pick<ChatCall, 'rest' | 'about'> | undefined {
  const { msgtype, body } = content ?? {}
  if (!content || msgtype !== 'm.text' || typeof body !== 'string' || relatedBy(content, 'm.replace')) return undefined
  const words = withoutQuote(body).trim()
  return prefix.test(words) ? { rest: words.replace(prefix, ''), about: answeredBy(content) } : undefined
}

/** The content of a message; undefined for other events, for what cannot be read (yet), and for what is in the clear where it should not be. */
async function readMessage(desk: Desk, event: MatrixEvent): Promise<Content | undefined> {
  if (event.type === 'm.room.message') return (await desk.encryption.isEncrypted(event.room_id)) ? undefined : event.content
  return readEncrypted(desk, event)
}

function readEncrypted({ encryption }: Desk, event: MatrixEvent): Content | undefined {
  if (event.type !== 'm.room.encrypted') return undefined
  const read = encryption.decrypt(event)
  return read.kind === 'clear' && read.type === 'm.room.message' ? read.content : undefined
}

/** 🔁 on what the bot said of a message. */
async function applySign(desk: Desk, seq: number, event: MatrixEvent, chats: readonly PortalRow[]): Promise<'done' | undefined> {
  const relation = relatedBy(event.content, 'm.annotation')
  if (!relation || String(relation['key']).replace(/\ufe0f/g, '') !== againSign) return undefined
  const about = await meantBy(desk, event.room_id, relation.event_id)
  const call = about === relation.event_id ? undefined : callOf(desk, event, chats, { rest: '', about })
  if (!call || about === undefined) return undefined
  return answer(
    desk,
    seq,
    event,
    attempt(() => sendEventAgain(desk, about, call.chats)),
  )
}

function callOf(
  desk: Desk,
  { room_id: room, event_id: event, sender: user }: MatrixEvent,
  chats: readonly PortalRow[],
  said: { rest: string; about: string | undefined },
): ChatCall | undefined {
  const level = levelOf(desk, desk.permissions, user)
  if (level === 'none') return undefined
  const call = { desk, user, level, room, event, ...said }
  const mine = chatsFor(call).filter(({ portal }) => chats.some((chat) => chat.portal === portal))
  return mine.length === 0 ? undefined : { ...call, chats: mine }
}

async function runQuietly(call: ChatCall, isShared: boolean): Promise<Outcome | undefined> {
  try {
    return await run(call, isShared)
  } catch (error) {
    if (error instanceof Mistake) return isShared ? undefined : { words: error.message }
    throw error
  }
}

function attempt(work: () => Outcome): Outcome {
  try {
    return work()
  } catch (error) {
    if (error instanceof Mistake) return { words: error.message }
    throw error
  }
}

async function run(call: ChatCall, isShared: boolean): Promise<Outcome | undefined> {
  const { desk, rest, room, about, chats } = call
  const words = rest.toLowerCase()
  if (againWords.test(words)) {
    if (about === undefined) throw new Mistake('Write that as a reply to the message that is to be sent again, or to what I said of it.')
    return sendEventAgain(desk, (await meantBy(desk, room, about)) ?? about, chats)
  }
  const [chat] = chats
  if (isShared || !chat) return undefined
  if (/^templates\b/.test(words)) return listTemplates(desk, chat.login)
  if (/^template\b/.test(words)) return sendTemplate({ ...call, rest: rest.replace(/^template\s*/i, '') }, chat)
  if (words === '' || words === 'help') return { words: usage }
  throw new Mistake(`I do not know “${clip(rest)}” here.\n${usage}`)
}

/** What somebody means who points at an event: what a notice of the bot is about, else the event itself. */
async function meantBy({ matrix }: Desk, room: string, event: string): Promise<string | undefined> {
  const found = await matrix.event(room, event)
  return found?.sender === matrix.botUserId ? answeredBy(found.content) : event
}
