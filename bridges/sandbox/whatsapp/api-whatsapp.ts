import { type ApiCall, asJson, type Json, type Outcome, stringOf } from '../api-call.ts'
import { deliverWaiting } from '../arrival.ts'
import type { Faults } from '../faults.ts'
import { type ErrorSpec, graphErrors, parameterError } from '../graph-error.ts'
import { createWamid } from '../ids.ts'
import { type Sent, whatsappContent } from '../media/business-sends.ts'
import { type Buckets, createBuckets } from '../rate.ts'
import { createMessage, type Person, type World } from '../world.ts'
import { whatsappStatus } from './happenings-whatsapp.ts'
import { templateContent } from './templates.ts'

const windowMs = 24 * 3_600_000
const textLimit = 4096
const tagLimit = 512
const typingMs = 25_000

export interface WhatsappLimits {
  throughput: Buckets
  pair: Buckets
}

/** 80 messages a second, and 45 at once to one person with one more every six seconds. */
export function createWhatsappLimits(world: World): WhatsappLimits {
  return { throughput: createBuckets(world.clock, 80, 1000 / 80), pair: createBuckets(world.clock, 45, 6_000) }
}

/** `POST /{phone-number-id}/messages`: a message, a reaction, or the mark that a message was read. */
export function postWhatsapp(world: World, limits: WhatsappLimits, faults: Faults, call: ApiCall): Outcome {
  const { body, account } = call
  if (body['messaging_product'] !== 'whatsapp') return refuse("Param messaging_product must be 'whatsapp'")
  if (body['status'] !== undefined) return markRead(world, body)
  const person = recipientOf(world, body)
  const wrong = checkSend(world, limits, body, person)
  if (wrong || !person) return { error: wrong ?? graphErrors.whatsappUndeliverable }
  if (body['type'] === 'reaction') return react(world, body, person)
  const now = world.clock.now()
  const replyTo = stringOf(body['context'], 'message_id')
  const tag = stringOf(body, 'biz_opaque_callback_data')
  const given: Sent = isText(body)
    ? { content: { text: stringOf(body['text'], 'body')!, files: [], cards: [] } }
    : body['type'] === 'template'
      ? templateContent(world.templates, body)
      : whatsappContent(world, body)
  if ('error' in given) return given
  const id = createWamid(person.phone!, false)
  const message = createMessage({
    ...{ id, byPerson: false, label: account.name, at: now, ...given.content },
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(tag === undefined ? {} : { tag }),
  })
  const later = given.fails ?? faults.takeLater('whatsapp')
  const status = (state: 'sent' | 'failed') => whatsappStatus(account, person, message, state, now, state === 'failed' ? later : undefined)
  if (later) return { body: sent(person, body, id), happenings: [status('sent'), status('failed')] }
  person.messages.push(message)
  person.typingUntil = 0
  return { body: sent(person, body, id), happenings: [status('sent'), ...deliverWaiting(world, person)] }
}

function checkSend(world: World, limits: WhatsappLimits, body: Json, person: Person | undefined): ErrorSpec | undefined {
  const text = stringOf(body['text'], 'body')
  if (isText(body) && text === undefined) return parameterError("The parameter text['body'] is required.", true)
  if (text !== undefined && text.length > textLimit) return parameterError("Param text['body'] must be at most 4096 characters long.", true)
  const tag = body['biz_opaque_callback_data']
  if (tag !== undefined && (typeof tag !== 'string' || tag.length > tagLimit)) {
    return parameterError('Param biz_opaque_callback_data must be at most 512 characters long.', true)
  }
  if (stringOf(body, 'to') === world.accounts.whatsapp.phone) return graphErrors.whatsappToSelf
  if (!limits.throughput.take('')) return graphErrors.whatsappRate
  if (!person) return graphErrors.whatsappUndeliverable
  const age = world.clock.now() - (person.lastWroteAt ?? Number.NEGATIVE_INFINITY)
  // A template may be sent at any time.
  if (age > windowMs && body['type'] !== 'template') return graphErrors.whatsappWindow
  return limits.pair.take(person.id) ? undefined : graphErrors.whatsappPairRate
}

function isText(body: Json): boolean {
  return body['type'] === undefined || body['type'] === 'text'
}

/** `to` wins over `recipient` when both are there. */
function recipientOf(world: World, body: Json): Person | undefined {
  const to = stringOf(body, 'to')
  const recipient = stringOf(body, 'recipient')
  return world.people.find(
    (person) => person.network === 'whatsapp' && (to === undefined ? person.userId === recipient : person.phone === to.replace(/\D/g, '')),
  )
}

function markRead(world: World, body: Json): Outcome {
  const id = stringOf(body, 'message_id')
  const person = world.people.find((one) => one.messages.some((message) => message.byPerson && message.id === id))
  if (body['status'] !== 'read' || !person) return refuse('Invalid message_id')
  const upTo = person.messages.find((message) => message.id === id)!.at
  for (const message of person.messages) if (message.byPerson && message.at <= upTo) message.read = true
  if (asJson(body['typing_indicator'])['type'] === 'text') person.typingUntil = world.clock.now() + typingMs
  return { body: { success: true } }
}

function react(world: World, body: Json, person: Person): Outcome {
  const target = stringOf(body['reaction'], 'message_id')
  const message = person.messages.find(({ id }) => id === target)
  if (!message) return refuse('Invalid message_id')
  const emoji = stringOf(body['reaction'], 'emoji')
  if (emoji === undefined) delete message.reactions.business
  else message.reactions.business = emoji
  const id = createWamid(person.phone!, false)
  const reaction = createMessage({ id, byPerson: false, label: '', text: '', at: world.clock.now() })
  return {
    body: sent(person, body, id),
    happenings: [whatsappStatus(world.accounts.whatsapp, person, reaction, 'sent', world.clock.now())],
  }
}

function sent(person: Person, body: Json, id: string): Json {
  const number = person.hidesNumber ? {} : { wa_id: person.phone }
  const input = stringOf(body, 'to') ?? stringOf(body, 'recipient')
  return { messaging_product: 'whatsapp', contacts: [{ input, ...number, user_id: person.userId }], messages: [{ id }] }
}

function refuse(details: string): Outcome {
  return { error: parameterError(details, true) }
}
