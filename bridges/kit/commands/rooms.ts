import { addChore } from '../chores.ts'
import { nameOf } from '../ghosts.ts'
import { askIn, leave } from '../hub/consent.ts'
import { MatrixRequestError } from '../matrix/side.ts'
import { fitName, networkTitles } from '../names.ts'
import { ensureRoom } from '../portal.ts'
import { selectPortalsIn } from '../store/portals.store.ts'
import { type HubRow, insertHub, selectHubs, selectSpoke } from '../store/spokes.store.ts'
import { clip, currentChat, findChat, fold, hubName, hubsFor } from './chats.ts'
import { type Call, Mistake, type Outcome } from './desk.ts'

/** `open CHAT`: the user is invited to the chat's room. */
export async function open(call: Call): Promise<Outcome> {
  const { desk, user } = call
  const chat = findChat(call, call.rest)
  const room = await ensureRoom(desk, chat)
  const name = nameOf(desk, chat.contact)
  const member = (await desk.matrix.members(room)).find(({ userId }) => userId === user)
  if (member?.membership === 'join') return { words: `You are in the room of ${name}: ${linkTo(room)}` }
  if (!member) await desk.rooms.invite(user, room)
  return { words: `You are invited to the room of ${name}: ${linkTo(room)}` }
}

function linkTo(room: string): string {
  return `https://matrix.to/#/${encodeURIComponent(room)}`
}

/** `hub create NAME`: a room that chats of several networks may share. It bears an alias made from the command, so it is made once. */
export async function createHub(call: Call): Promise<Outcome> {
  const { desk, user, event } = call
  const { network } = desk.connector.info
  const name = fitName(call.rest)
  if (name === undefined)
    throw new Mistake('How is it to be called? Write `hub create` and a name without numbers, such as `hub create Bike sale`.')
  const made = desk.vault
    .blind('hub', event)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 12)
  const alias = `#_${network}_hub_${made}:${desk.serverName}`
  if (hubsFor(call).some((hub) => hub.alias !== alias && fold(hubName(call, hub)) === fold(name)))
    throw new Mistake(`There is a shared room “${name}” already.`)
  const bots = Object.keys(networkTitles)
    .map((kind) => `@_${kind}_bot:${desk.serverName}`)
    .filter((bot) => bot !== desk.matrix.botUserId)
  const topic = 'Shared with people on other apps. Their apps see what is written here, under the name you have here.'
  const room = await desk.matrix.createRoom({ alias, name, invite: [user], topic })
  const words = [
    `“${name}” is made, and you are invited: ${linkTo(room)}`,
    `\`connect CHAT ${name}\` asks somebody in. To the bots of other networks write \`connect CHAT ${alias}\`.`,
  ]
  return {
    words: words.join('\n'),
    write: () => {
      insertHub(desk.store, { alias, room, name, owner: user })
      for (const bot of bots) addChore(desk, `bot ${room} ${bot}`, { kind: 'invite', room, user: bot })
    },
  }
}

/** `connect CHAT HUB`: the person is asked; nothing is carried before they say yes. */
export async function connect(call: Call): Promise<Outcome> {
  const { desk } = call
  const { chat, hub } = await splitWords(call)
  const person = nameOf(desk, chat.contact)
  const name = hubName(call, hub)
  const spoke = selectSpoke(desk.store, chat.portal, hub.room)
  if (chat.room === hub.room) throw new Mistake(`${person} is in “${name}” already.`)
  if (chat.hub === 1) throw new Mistake(`${person} is in another shared room. Write \`disconnect ${person}\` first.`)
  if (spoke?.state === 'asked') throw new Mistake(`${person} was asked into “${name}” and has not answered yet.`)
  if (spoke?.state === 'stopped') throw new Mistake(`${person} has left “${name}” and is not asked again; they come back by writing START.`)
  const room = await ensureRoom(desk, chat)
  return {
    words: `${person} is asked whether to join “${name}”. Nothing is carried before they say yes.`,
    write: () => {
      insertHub(desk.store, hub)
      askIn(desk, { portal: chat.portal, own: room, hub: hub.room, name })
    },
  }
}

/** Names hold spaces: every place to cut is tried, the longest name of a hub first. */
async function splitWords(call: Call) {
  const words = call.rest.split(/\s+/).filter((word) => word !== '')
  for (let cut = 1; cut < words.length; cut++) {
    const hub = await findHub(call, words.slice(cut).join(' '))
    if (hub) return { chat: findChat(call, words.slice(0, cut).join(' ')), hub }
  }
  const hubs = hubsFor(call).map((hub) => `• ${hubName(call, hub)}`)
  if (words.length > 0) findChat(call, words.length > 1 ? words.slice(0, -1).join(' ') : words[0]!)
  throw new Mistake(
    hubs.length
      ? ['Write `connect CHAT HUB`. Shared rooms there are:', ...hubs].join('\n')
      : 'There is no shared room yet. `hub create NAME` makes one.',
  )
}

/** A hub by name, or by alias: then the bot joins it, and the user must be in it. */
async function findHub(call: Call, asked: string): Promise<HubRow | undefined> {
  const { desk, user } = call
  const known = hubsFor(call).find((hub) => hub.alias === asked || fold(hubName(call, hub)) === fold(asked))
  if (known || !/^#[^\s:]{1,200}:\S{1,230}$/.test(asked)) return known
  const room = await desk.matrix.resolve(asked)
  if (room === undefined) throw new Mistake(`There is no room ${clip(asked)}.`)
  if (room === call.room) throw new Mistake('That is this room, in which we speak; take another.')
  if (selectPortalsIn(desk.store, room).some(({ hub }) => hub === 0)) throw new Mistake('That is the room of a chat, not a shared one.')
  try {
    await desk.matrix.join(desk.matrix.botUserId, room)
  } catch (error) {
    if (error instanceof MatrixRequestError && !error.transient) throw new Mistake(`Invite me to ${asked} first: ${desk.matrix.botUserId}`)
    throw error
  }
  const present = (await desk.matrix.members(room)).some(({ userId, membership }) => userId === user && membership === 'join')
  if (!present) throw new Mistake('Join that room yourself first.')
  const taken = selectHubs(desk.store).find((hub) => hub.alias === asked)
  return taken ?? { alias: asked, room, name: fitName(await desk.rooms.name(room)) ?? 'shared conversation', owner: user }
}

/** `disconnect CHAT`: the chat is on its own again. */
export function disconnect(call: Call): Outcome {
  const { desk } = call
  const chat = findChat(call, call.rest)
  const person = nameOf(desk, chat.contact)
  if (chat.hub === 0 || chat.room === null) throw new Mistake(`${person} is in no shared room.`)
  const room = chat.room
  return {
    words: `${person} is out of the shared room, and was told. Their messages go to a room of their own.`,
    write: () => leave(desk, currentChat(call, chat.portal), room, 'removed', call.event),
  }
}
