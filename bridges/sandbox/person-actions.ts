import type { SandboxAccount } from './accounts.ts'
import type { Json } from './api-call.ts'
import { deliverWaiting, readArrived } from './arrival.ts'
import { SandboxError, type SayOptions } from './control.ts'
import type { Happening } from './envelope.ts'
import {
  instagramUnsend,
  messagingEcho,
  messagingEdit,
  messagingInbound,
  messagingReaction,
  messagingUnsupported,
} from './happenings-messaging.ts'
import { createMid, createWamid } from './ids.ts'
import { whatsappEcho, whatsappInbound } from './whatsapp/happenings-whatsapp.ts'
import { createMessage, type Message, type Person, renumber, type World } from './world.ts'

/** What a person did, as the network reports it to the business. */
export interface Done {
  id: string
  happenings: Happening[]
}

/** A person writes; the 24 hours count from here. */
export function say(world: World, person: Person, text: string, options: SayOptions = {}): Done {
  const account = world.accounts[person.network]
  const at = world.clock.now()
  const { replyTo, unsupported, product } = options
  if (replyTo !== undefined) findMessage(person, replyTo)
  const id = person.network === 'whatsapp' ? createWamid(person.phone!, true) : createMid()
  const shown = unsupported === undefined ? text : `[${unsupported}]`
  const message = createMessage({ id, byPerson: true, label: person.name, text: shown, at, ...(replyTo === undefined ? {} : { replyTo }) })
  person.messages.push(message)
  person.lastWroteAt = at
  const arrived = deliverWaiting(world, person)
  return { id, happenings: [...arrived, inbound(account, person, message, unsupported, product)] }
}

function inbound(account: SandboxAccount, person: Person, message: Message, unsupported?: string, product?: string): Happening {
  if (account.network !== 'whatsapp') {
    return unsupported === undefined
      ? messagingInbound(account, person, message, product)
      : messagingUnsupported(account, person, message.id, message.at)
  }
  if (unsupported === undefined) return whatsappInbound(account, person, message, 'text', { text: { body: message.text } })
  return whatsappInbound(account, person, message, 'unsupported', unsupportedContent(unsupported))
}

/** A person changes what they wrote: five times at most on Messenger; the API of WhatsApp shows what was changed to numbers in coexistence only. */
export function edit(world: World, person: Person, id: string, text: string): Done {
  const message = ownMessage(person, id)
  if (person.network !== 'whatsapp' && message.edits >= 5) throw new SandboxError('this message cannot be edited')
  message.text = text
  message.edits++
  if (person.network === 'whatsapp') {
    const changed = { original_message_id: id, message: { type: 'text', text: { body: text } } }
    return { id, happenings: [onWhatsapp(world, person, 'edit', changed)] }
  }
  return { id, happenings: [messagingEdit(world.accounts[person.network], person, message, world.clock.now())] }
}

/** A person takes a message back; Instagram tells, and WhatsApp tells numbers in coexistence. */
export function unsend(world: World, person: Person, id: string): Done {
  const message = ownMessage(person, id)
  message.deleted = true
  if (person.network === 'whatsapp') {
    return { id, happenings: world.coexistence ? [onWhatsapp(world, person, 'revoke', { original_message_id: id })] : [] }
  }
  const told = person.network === 'instagram'
  return { id, happenings: told ? [instagramUnsend(world.accounts.instagram, person, message, world.clock.now())] : [] }
}

/** What a person did to a message, under an id of its own; withheld from numbers that are used with the API alone. */
function onWhatsapp(world: World, person: Person, type: 'edit' | 'revoke', content: Json): Happening {
  const message = { id: createWamid(person.phone!, true), at: world.clock.now() }
  const { whatsapp } = world.accounts
  if (world.coexistence) return whatsappInbound(whatsapp, person, message, type, { [type]: content })
  return whatsappInbound(whatsapp, person, message, 'unsupported', unsupportedContent(type))
}

function unsupportedContent(type: string): Json {
  const title = 'Message type unknown'
  const error = { code: 131051, title, message: title, error_data: { details: 'Message type is not supported' } }
  return { errors: [error], unsupported: { type } }
}

/** A person reacts to a message, or takes the reaction back when there is no emoji. */
export function react(world: World, person: Person, id: string, emoji: string | undefined): Done {
  const message = findMessage(person, id)
  const account = world.accounts[person.network]
  const at = world.clock.now()
  if (emoji === undefined) delete message.reactions.person
  else message.reactions.person = emoji
  if (person.network !== 'whatsapp') return { id, happenings: [messagingReaction(account, person, message, emoji, at)] }
  const reaction = { message_id: id, ...(emoji === undefined ? {} : { emoji }) }
  return { id, happenings: [whatsappInbound(account, person, { id: createWamid(person.phone!, true), at }, 'reaction', { reaction })] }
}

/** A person has a new number: WhatsApp tells under which ids they are known from now on. */
export function changeNumber(world: World, person: Person): Done {
  if (person.network !== 'whatsapp') throw new SandboxError('only people on WhatsApp have a number')
  const before = renumber(world.seed, person)
  const system = {
    body: 'changed',
    type: 'user_changed_number',
    wa_id: person.phone,
    user_id: person.userId,
    previous_user_id: before.userId,
  }
  const message = { id: createWamid(before.phone, true), at: world.clock.now() }
  return { id: message.id, happenings: [whatsappInbound(world.accounts.whatsapp, { ...person, ...before }, message, 'system', { system })] }
}

/** A person looks into the chat. */
export function read(world: World, person: Person): Done {
  return { id: '', happenings: [...deliverWaiting(world, person), ...readArrived(world, person)] }
}

/** A human of the business answers in the network's own inbox. */
export function sayFromInbox(world: World, person: Person, text: string): Done {
  const isWhatsapp = person.network === 'whatsapp'
  if (isWhatsapp && !world.coexistence) throw new SandboxError('WhatsApp has no inbox beside the API, but in coexistence')
  const account = world.accounts[person.network]
  const message = createMessage({
    id: isWhatsapp ? createWamid(person.phone!, false) : createMid(),
    byPerson: false,
    label: account.name,
    text,
    at: world.clock.now(),
  })
  person.messages.push(message)
  return {
    id: message.id,
    happenings: [
      isWhatsapp ? whatsappEcho(account, person, message) : messagingEcho(account, person, message),
      ...deliverWaiting(world, person),
    ],
  }
}

function ownMessage(person: Person, id: string): Message {
  const message = findMessage(person, id)
  if (!message.byPerson || message.deleted) throw new SandboxError('this is no message of theirs')
  return message
}

function findMessage(person: Person, id: string): Message {
  const message = person.messages.find((one) => one.id === id)
  if (!message) throw new SandboxError('there is no such message in their chat')
  return message
}
