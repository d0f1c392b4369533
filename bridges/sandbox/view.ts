import type { PersonInfo, PersonView, SeenMessage } from './control.ts'
import type { Message, Person, World } from './world.ts'

/** What the person sees on their phone: their own messages and those of the business that have arrived. */
export function viewOf(world: World, person: Person): PersonView {
  return {
    person: infoOf(person),
    messages: person.messages.filter(({ byPerson, delivered }) => byPerson || delivered).map((message) => seen(world, person, message)),
    typing: person.typingUntil > world.clock.now(),
  }
}

/** What may be known of a person outside the networks. */
export function infoOf(person: Person): PersonInfo {
  const { id, network, name, phone, username, userId } = person
  return {
    ...{ id, network, name },
    ...(phone === undefined ? {} : { phone }),
    ...(username === undefined ? {} : { username }),
    ...(userId === undefined ? {} : { userId }),
  }
}

function seen(world: World, person: Person, message: Message): SeenMessage {
  const { id, at, byPerson, replyTo, deleted, edits, read } = message
  const reactions = [
    { from: 'me', emoji: message.reactions.person },
    { from: world.accounts[person.network].name, emoji: message.reactions.business },
  ].filter((reaction): reaction is { from: string; emoji: string } => reaction.emoji !== undefined)
  return {
    ...{ id, from: byPerson ? 'me' : message.label, text: deleted ? '' : message.text, at },
    ...(deleted ? {} : contentOf(message)),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(edits > 0 ? { edited: true as const } : {}),
    ...(deleted ? { deleted: true as const } : {}),
    ...(reactions.length > 0 ? { reactions } : {}),
    ...(byPerson && read ? { seen: true as const } : {}),
  }
}

function contentOf({ files, place, cards }: Message): Pick<SeenMessage, 'files' | 'place' | 'cards'> {
  const seenFiles = files.map(({ kind, mime, name, bytes, sha256 }) => {
    return { kind, mime, ...(name === undefined ? {} : { name }), size: bytes.length, sha256 }
  })
  return { ...(files.length > 0 ? { files: seenFiles } : {}), ...(place ? { place } : {}), ...(cards.length > 0 ? { cards } : {}) }
}
