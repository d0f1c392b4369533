import { addChore } from '../chores.ts'
import type { InboundSaid } from '../connector.ts'
import type { Delivery } from '../delivery.ts'
import { ensureGhost, ghostIdOf, nameOf } from '../ghosts.ts'
import { originTime } from '../inbound/origin-time.ts'
import type { Kit } from '../kit.ts'
import { rememberMessage } from '../messages.ts'
import { ownerOf } from '../owners.ts'
import { transactionId } from '../send.ts'
import { selectManagementRoomOf } from '../store/management.store.ts'
import type { OutboxRow } from '../store/outbox.store.ts'
import { type PortalRow, selectHub, selectPortal } from '../store/portals.store.ts'
import { enterHub, leaveHub, putSpoke, type SpokeRow, selectHubs, selectSpoke, selectSpokesOf } from '../store/spokes.store.ts'
import { updateWroteAt } from '../store/windows.store.ts'
import { chooseName, nameIn, settleName } from './consent-names.ts'
import { readWord, told, type Word } from './consent-words.ts'
import { queueFor } from './relay.ts'

type ConsentKit = Pick<Kit, 'store' | 'vault' | 'connector' | 'clock' | 'sessions' | 'hub' | 'owner' | 'serverName'>

/** Asks a chat's person into a shared room; in the caller's transaction. Until they say yes their messages stay in the chat's own room. */
export function askIn(kit: ConsentKit, asked: { portal: string; own: string; hub: string; name: string }): void {
  const { portal, own, hub, name } = asked
  putSpoke(kit.store, portal, hub, 'asked', kit.clock())
  tell(kit, portal, own, `asked ${hub} ${kit.clock()}`, told.asked(name))
}

/** A new chat of an account whose shared room is configured to be asked for: its person is asked, once; in the caller's transaction. */
export function askNewcomer(kit: ConsentKit, chat: PortalRow, own: string): void {
  const hub = kit.hub?.consent === 'ask' ? selectHub(kit.store, kit.hub.alias) : undefined
  if (hub === undefined || !kit.hub || selectSpoke(kit.store, chat.portal, hub)) return
  askIn(kit, { portal: chat.portal, own, hub, name: kit.hub.name })
}

/** Takes a chat out of a shared room, and says so on both sides; in the caller's transaction. Nothing more goes either way. */
export function leave(kit: ConsentKit, chat: PortalRow, room: string, state: 'stopped' | 'removed', key: string): void {
  const { store, clock, connector } = kit
  const name = nameIn(kit, chat)
  leaveHub(store, chat.portal, room, clock())
  putSpoke(store, chat.portal, room, state, clock())
  const app = connector.info.title
  addChore(kit, `left ${key}`, { kind: 'notice', room, text: `${name} (${app}) is no longer in this conversation.` })
  addChore(kit, `leave ${key}`, { kind: 'leave', room, user: ghostIdOf(kit, chat.contact) })
  tell(kit, chat.portal, room, key, told[state](titleOf(kit, room)))
}

type Written = Pick<InboundSaid, 'type' | 'own' | 'id' | 'at'> & { readonly text?: string | undefined }

/**
 * Heeds a word that a person writes to the bridge about a shared room: YES, STOP, START, NAME or REPORT. Gives true when the message was one, and is
 * dealt with: it is carried nowhere, but the network counts it as an answer. May be run again after it was cut off.
 */
export async function heedWord(kit: Kit, chat: PortalRow, event: Written): Promise<boolean> {
  if (event.own || event.type !== 'message' || event.text === undefined) return false
  const heard = readWord(event.text)
  const spoke = heard && aboutWhich(kit, chat, heard.word)
  if (!heard || !spoke) return false
  const key = transactionId('word', chat.portal, event.id)
  const joins = heard.word === 'yes' || heard.word === 'start'
  if (joins) {
    await ensureGhost(kit, chat.contact)
    await kit.matrix.join(ghostIdOf(kit, chat.contact), spoke.room)
    kit.checkpoint('ghost in the hub')
  }
  kit.store.atomically(() => {
    updateWroteAt(kit.store, chat.portal, originTime(event.at, kit.clock()))
    rememberMessage(kit, { portal: chat.portal, id: event.id, part: 0, event: `word ${key}`, own: false })
    if (joins) join(kit, chat, spoke.room, key)
    else if (heard.word === 'stop') stop(kit, chat, spoke, key)
    else if (heard.word === 'name') rename(kit, chat, spoke, heard.name, key)
    else report(kit, chat, spoke, key)
  })
  kit.checkpoint('word heeded')
  return true
}

/** The shared room that a word is about: the one the chat is in, else the latest into which it was asked, or which it has left. */
function aboutWhich({ store, clock }: Kit, { portal, room, hub }: PortalRow, word: Word): SpokeRow | undefined {
  if (hub === 1 && room !== null) {
    if (word === 'yes' || word === 'start') return undefined
    if (!selectSpoke(store, portal, room)) putSpoke(store, portal, room, 'configured', clock())
    return selectSpoke(store, portal, room)
  }
  const spokes = selectSpokesOf(store, portal)
  return spokes.find(({ state }) => (word === 'start' ? state === 'stopped' : state === 'asked'))
}

function join(kit: Kit, chat: PortalRow, room: string, key: string): void {
  putSpoke(kit.store, chat.portal, room, 'accepted', kit.clock())
  enterHub(kit.store, chat.portal, room)
  const name = settleName(kit, chat.portal, chat.contact, room)
  showName(kit, chat, room, name, key)
  const text = `${name} (${appOf(kit)}) is in this conversation now.`
  addChore(kit, `joined ${key}`, { kind: 'notice', room, text })
  tell(kit, chat.portal, room, key, told.joined(titleOf(kit, room), name))
  tellOwner(kit, chat, `owner ${key}`, `${nameOf(kit, chat.contact)} has joined “${titleOf(kit, room)}”.`)
}

function stop(kit: Kit, chat: PortalRow, { room, state }: SpokeRow, key: string): void {
  tellOwner(kit, chat, `owner ${key}`, `${nameOf(kit, chat.contact)} wrote STOP, and is not in “${titleOf(kit, room)}”.`)
  if (state === 'asked') {
    putSpoke(kit.store, chat.portal, room, 'stopped', kit.clock())
    tell(kit, chat.portal, chat.room ?? room, key, told.stopped(titleOf(kit, room)))
  } else leave(kit, chat, room, 'stopped', key)
}

function rename(kit: Kit, chat: PortalRow, { room }: SpokeRow, asked: string, key: string): void {
  const before = settleName(kit, chat.portal, chat.contact, room)
  const fits = chooseName(kit, chat.portal, room, asked)
  const name = settleName(kit, chat.portal, chat.contact, room)
  tell(kit, chat.portal, chat.room ?? room, key, fits ? told.named(titleOf(kit, room), name) : told.badName)
  if (chat.hub === 0 || name === before) return
  showName(kit, chat, room, name, key)
  addChore(kit, `named ${key}`, { kind: 'notice', room, text: `${before} (${appOf(kit)}) is called ${name} now.` })
}

function report(kit: Kit, chat: PortalRow, { room }: SpokeRow, key: string): void {
  const words = `${nameOf(kit, chat.contact)} reports the shared conversation “${titleOf(kit, room)}”. Look into it; \`disconnect\` takes a chat out.`
  tellOwner(kit, chat, `owner ${key}`, words)
  tell(kit, chat.portal, chat.room ?? room, key, told.reported(titleOf(kit, room)))
}

/** In the shared room a ghost bears the name its person has there. */
function showName(kit: Kit, chat: PortalRow, room: string, name: string, key: string): void {
  addChore(kit, `name ${key}`, { kind: 'name', room, user: ghostIdOf(kit, chat.contact), name: `${name} (${appOf(kit)})` })
}

function appOf({ connector }: Pick<Kit, 'connector'>): string {
  return connector.info.title
}

/** What a shared room is called. */
function titleOf({ store, hub }: Pick<Kit, 'store' | 'hub'>, room: string): string {
  const row = selectHubs(store).find((one) => one.room === room)
  return row?.name ?? (row && row.alias === hub?.alias ? hub.name : 'shared conversation')
}

/** Words of the bridge itself for the person of a chat. Their event is none of the room's, so no state of them is shown there. */
function tell(kit: ConsentKit, portal: string, room: string, key: string, text: string): void {
  const chat = { portal } as PortalRow
  queueFor(kit, { event: `told ${transactionId(portal, key)}`, room: `about ${room}`, text, speaker: undefined }, [chat])
}

/** A line for whose chat it is, where they speak with the bot. */
function tellOwner(kit: Pick<Kit, 'store' | 'vault' | 'clock' | 'owner'>, chat: PortalRow, key: string, text: string): void {
  const owner = ownerOf(kit, chat.login)
  const room = owner === undefined ? undefined : selectManagementRoomOf(kit.store, owner)
  if (room !== undefined) addChore(kit, key, { kind: 'notice', room, text })
}

/** Words of the bridge itself that did not reach a person: whose chat it is gets to know. */
export function tellFailure(kit: Pick<Kit, 'store' | 'vault' | 'clock' | 'owner' | 'connector'>, row: OutboxRow, state: Delivery): void {
  const chat = selectPortal(kit.store, row.portal)
  if (!chat || !['failed', 'unknown', 'expired', 'unsupported'].includes(state)) return
  const text = `What I had to tell ${nameOf(kit, chat.contact)} about a shared room did not arrive. ${row.words ?? ''}`.trim()
  tellOwner(kit, chat, `untold ${row.key}`, text)
}
