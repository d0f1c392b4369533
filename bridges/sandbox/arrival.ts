import type { Happening } from './envelope.ts'
import { messagingRead, messengerDelivery } from './happenings-messaging.ts'
import { whatsappStatus } from './whatsapp/happenings-whatsapp.ts'
import type { Message, Person, World } from './world.ts'

/** Lets a person's phone receive what waits for it, and tells what the network reports of that: nothing on Instagram, nothing while it is off. */
export function deliverWaiting(world: World, person: Person): Happening[] {
  if (!person.online || person.blocksBusiness) return []
  const arrived = fromBusiness(person).filter((message) => !message.delivered)
  for (const message of arrived) message.delivered = true
  const account = world.accounts[person.network]
  const now = world.clock.now()
  if (arrived.length === 0 || person.network === 'instagram') return []
  if (person.network === 'messenger') return [messengerDelivery(account, person, arrived, now)]
  return arrived.map((message) => whatsappStatus(account, person, message, 'delivered', now))
}

/** The person opens the chat: all that has arrived is read. */
export function readArrived(world: World, person: Person): Happening[] {
  const account = world.accounts[person.network]
  const now = world.clock.now()
  const seen = fromBusiness(person).filter((message) => message.delivered && !message.read)
  for (const message of seen) message.read = true
  if (seen.length === 0) return []
  if (person.network !== 'whatsapp') return [messagingRead(account, person, seen, now)]
  return seen.map((message) => whatsappStatus(account, person, message, 'read', now))
}

function fromBusiness(person: Person): Message[] {
  return person.messages.filter((message) => !message.byPerson)
}
