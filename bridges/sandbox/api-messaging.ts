import type { Network } from './accounts.ts'
import { type ApiCall, asJson, type Json, type Outcome, stringOf } from './api-call.ts'
import { deliverWaiting } from './arrival.ts'
import { type ErrorSpec, graphErrors, parameterError } from './graph-error.ts'
import { messagingEcho } from './happenings-messaging.ts'
import { createMid, createNumericId } from './ids.ts'
import { messagingContent } from './media/business-sends.ts'
import { type Buckets, createBuckets } from './rate.ts'
import { createMessage, type Person, type World } from './world.ts'

const dayMs = 24 * 3_600_000
const typingMs = 20_000
const metadataLimit = 1000
const tooLong: Readonly<Record<Exclude<Network, 'whatsapp'>, (text: string) => string | undefined>> = {
  messenger: (text) => (text.length > 2000 ? 'Length of param message[text] must be less than or equal to 2000' : undefined),
  instagram: (text) => (Buffer.byteLength(text) > 1000 ? 'Length of param message[text] must be less than or equal to 1000' : undefined),
}

type Limits = { readonly heavy: Buckets; readonly others: Buckets }

/** 300 messages a second for a Page, 100 for an Instagram account; ten with sounds and videos. */
export function createMessagingLimits({ clock }: World): Readonly<Record<'messenger' | 'instagram', Limits>> {
  return {
    messenger: { heavy: createBuckets(clock, 10, 100), others: createBuckets(clock, 300, 1000 / 300) },
    instagram: { heavy: createBuckets(clock, 10, 100), others: createBuckets(clock, 100, 10) },
  }
}

/** `POST /{page-id | ig-id | me}/messages`: a text, or a sender action. */
export function postMessaging(world: World, limits: ReturnType<typeof createMessagingLimits>, call: ApiCall): Outcome {
  const { body, account } = call
  const network = account.network as 'messenger' | 'instagram'
  const to = stringOf(body['recipient'], 'id')
  const person = world.people.find((one) => one.network === network && one.id === to)
  if (!to) return { error: parameterError('Parameter error: You must provide a valid recipient', false) }
  // Whoever never wrote has no id that this account could know.
  if (!person || person.lastWroteAt === undefined) return { error: graphErrors.messagingNoUser }
  if (stringOf(body, 'sender_action')) return senderAction(world, body, person)
  const sent = messagingContent(world, network, asJson(body['message']))
  if ('error' in sent) return { error: sent.error }
  const content = asJson(body['message'])
  const isHeavy = ['audio', 'video'].includes(stringOf(content['attachment'], 'type') ?? '')
  const limit = limits[network][isHeavy ? 'heavy' : 'others']
  const wrong = checkSend(world, network, body, person) ?? (limit.take('') ? undefined : graphErrors.messagingRate)
  if (wrong) return { error: wrong }
  const tag = stringOf(content, 'metadata')
  const replyTo = stringOf(body['reply_to'], 'mid')
  const persona = network === 'messenger' ? world.personas.get(stringOf(body, 'persona_id') ?? '') : undefined
  const message = createMessage({
    ...{ id: createMid(), byPerson: false, at: world.clock.now() },
    label: persona === undefined ? account.name : `${persona} from ${account.name}`,
    ...sent.content,
    ...(tag === undefined ? {} : { tag }),
    ...(replyTo === undefined ? {} : { replyTo }),
  })
  person.messages.push(message)
  person.typingUntil = 0
  return {
    body: { recipient_id: person.id, message_id: message.id },
    happenings: [messagingEcho(account, person, message, account.appId), ...deliverWaiting(world, person)],
  }
}

function checkSend(world: World, network: 'messenger' | 'instagram', body: Json, person: Person): ErrorSpec | undefined {
  const content = asJson(body['message'])
  const long = tooLong[network](stringOf(content, 'text') ?? '')
  if (long) return parameterError(long, false)
  if ((stringOf(content, 'metadata')?.length ?? 0) > metadataLimit)
    return parameterError('Param message[metadata] must be at most 1000 characters', false)
  if (person.blocksBusiness) return graphErrors.messagingUnavailable
  const persona = stringOf(body, 'persona_id')
  if (persona !== undefined && !world.personas.has(persona)) return parameterError('Invalid persona_id', false)
  const humanAgent = body['messaging_type'] === 'MESSAGE_TAG' && body['tag'] === 'HUMAN_AGENT'
  const age = world.clock.now() - person.lastWroteAt!
  return age > dayMs * (humanAgent ? 7 : 1) ? graphErrors.messagingWindow : undefined
}

function senderAction(world: World, body: Json, person: Person): Outcome {
  const action = stringOf(body, 'sender_action')
  const target = person.messages.find(({ id }) => id === stringOf(body['payload'], 'message_id'))
  if (action === 'mark_seen') for (const message of person.messages) message.read ||= message.byPerson
  else if (action === 'typing_on') person.typingUntil = world.clock.now() + typingMs
  else if (action === 'typing_off') person.typingUntil = 0
  else if (action === 'react' && target) target.reactions.business = stringOf(body['payload'], 'reaction') ?? 'love'
  else if (action === 'unreact' && target) delete target.reactions.business
  else return { error: parameterError('Param sender_action is not valid', false) }
  return { body: { recipient_id: person.id } }
}

/** `POST /{page-id}/personas`: a name of its own under which the Page may speak. */
export function postPersona(world: World, body: Json): Outcome {
  const name = stringOf(body, 'name')
  if (!name || name.length > 50 || !stringOf(body, 'profile_picture_url')) return { error: parameterError('Invalid persona', false) }
  const id = createNumericId()
  world.personas.set(id, name)
  return { body: { id } }
}
