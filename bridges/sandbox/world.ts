import { digitsFrom, type Network, type SandboxAccounts, secretFrom } from './accounts.ts'
import type { Json } from './api-call.ts'
import type { SandboxClock } from './clock.ts'
import { createFileStore, type FileStore, type StoredFile } from './media/file-store.ts'
import { createTemplates, type Template } from './whatsapp/templates.ts'

/** A message in the chat between a person and the business, as the network keeps it. */
export interface Message {
  id: string
  /** Written by the person (else by the business). */
  byPerson: boolean
  /** The name over it on the person's phone, for what the business wrote. */
  label: string
  text: string
  at: number
  files: StoredFile[]
  /** A location, in the words of WhatsApp. */
  place?: Json
  /** A link to something of the network. */
  share?: Json
  /** Contact cards, in the words of WhatsApp. */
  cards: readonly Json[]
  forwarded?: 'once' | 'often'
  replyTo?: string
  tag?: string
  edits: number
  deleted: boolean
  reactions: { person?: string; business?: string }
  delivered: boolean
  read: boolean
}

/** A person of one network and their only chat: the one with the business. */
export interface Person {
  id: string
  network: Network
  name: string
  phone?: string
  username?: string
  /** WhatsApp's business-scoped user id. */
  userId?: string
  hidesNumber: boolean
  online: boolean
  blocksBusiness: boolean
  messages: Message[]
  /** When they last wrote: the 24 hours count from here. */
  lastWroteAt?: number
  typingUntil: number
}

export interface PersonInput {
  network: Network
  name: string
  phone?: string
  username?: string
  hidesNumber?: boolean
}

/** Everything the sandbox remembers. */
export interface World {
  readonly seed: string
  readonly accounts: SandboxAccounts
  readonly clock: SandboxClock
  readonly people: Person[]
  readonly personas: Map<string, string>
  readonly files: FileStore
  /** The message templates of the WhatsApp business account. */
  readonly templates: readonly Template[]
  /** Tokens that are no longer good: when they end by the clock, or because they were revoked. */
  readonly tokenEnds: Map<Network, number | 'revoked'>
  /** Tokens that were given in place of an account's own, and until when they are good. */
  readonly renewedTokens: Map<string, { network: Network; until: number }>
  /** Whether the number is used in the WhatsApp Business app too: only then the API tells of edits and withdrawals. */
  coexistence: boolean
  addPerson(input: PersonInput): Person
  /** By id, phone number, user id or name; undefined when there is none. */
  findPerson(network: Network, reference: string): Person | undefined
}

export function createWorld(seed: string, accounts: SandboxAccounts, clock: SandboxClock): World {
  const people: Person[] = []
  const findPerson = (network: Network, reference: string) => {
    const there = people.filter((person) => person.network === network)
    const byId = there.find((person) => [person.id, person.phone, person.userId].includes(reference))
    return byId ?? there.find((person) => person.name === reference)
  }
  return {
    seed,
    accounts,
    clock,
    people,
    personas: new Map(),
    files: createFileStore(clock),
    templates: createTemplates(),
    tokenEnds: new Map(),
    renewedTokens: new Map(),
    coexistence: false,
    findPerson,
    addPerson(input) {
      const known = findPerson(input.network, input.phone ?? input.name)
      if (known) return known
      const person = createPerson(seed, input)
      people.push(person)
      return person
    },
  }
}

/** Ids follow from the seed and the person's number or name, so they outlive a restart of the sandbox. */
function createPerson(seed: string, input: PersonInput): Person {
  const { network, name, username, hidesNumber = false } = input
  const label = `${network} person ${input.phone ?? name}`
  const phone = input.phone ?? (network === 'whatsapp' ? `1555${digitsFrom(seed, label, 7)}` : undefined)
  const userId = network === 'whatsapp' ? { userId: `US.${secretFrom(seed, label, 20)}` } : {}
  return {
    id: network === 'whatsapp' ? phone! : digitsFrom(seed, label, 16),
    network,
    name,
    ...(phone === undefined ? {} : { phone }),
    ...(network === 'instagram' ? { username: username ?? name.toLowerCase().replace(/[^a-z0-9]+/g, '.') } : {}),
    ...userId,
    hidesNumber,
    online: true,
    blocksBusiness: false,
    messages: [],
    typingUntil: 0,
  }
}

/** The number and user id that a person has from now on; those of before come back. */
export function renumber(seed: string, person: Person): { phone: string; userId: string } {
  const before = { phone: person.phone ?? '', userId: person.userId ?? '' }
  const label = `whatsapp person after ${before.phone}`
  const phone = `1555${digitsFrom(seed, label, 7)}`
  Object.assign(person, { id: phone, phone, userId: `US.${secretFrom(seed, label, 20)}` })
  return before
}

/** A message that nobody has received yet. */
export function createMessage(message: Pick<Message, 'id' | 'byPerson' | 'label' | 'text' | 'at'> & Partial<Message>): Message {
  return { files: [], cards: [], edits: 0, deleted: false, reactions: {}, delivered: false, read: false, ...message }
}
