import type { GraphRequest } from '../graph/graph-client.ts'
import { idField, type JsonObject, textField } from '../graph/read-json.ts'
import type { RemotePerson } from '../graph/record.ts'
import { countChars } from '../graph/split-text.ts'
import { buildAccount, buildMessage, type OutgoingText } from './messaging.ts'

/** Characters of a text and of its `metadata`, which comes back in the echo. */
export const messengerLimits = { text: 2000, tag: 1000 } as const

/**
 * A text of 1 to 2000 characters. `tag` travels as `metadata` and returns in the echo; `persona` is a persona's id; `humanAgent` stretches the window
 * to seven days for an answer that a person typed. Throws a RangeError beyond the limits.
 */
export function buildMessengerText(
  pageId: string,
  message: OutgoingText & { tag?: string; persona?: string; humanAgent?: boolean },
): GraphRequest {
  const { to, text, replyTo, tag, persona, humanAgent } = message
  if (text === '' || countChars(text) > messengerLimits.text) throw new RangeError('a text of Messenger has 1 to 2000 characters')
  if (tag !== undefined && tag.length > messengerLimits.tag) throw new RangeError('metadata has at most 1000 characters')
  return buildMessage(
    pageId,
    to,
    { text, ...(tag === undefined ? {} : { metadata: tag }) },
    {
      ...(humanAgent ? { messaging_type: 'MESSAGE_TAG', tag: 'HUMAN_AGENT' } : { messaging_type: 'RESPONSE' }),
      ...(replyTo === undefined ? {} : { reply_to: { mid: replyTo } }),
      ...(persona === undefined ? {} : { persona_id: persona }),
    },
  )
}

/** A persona: a name (and picture) of its own under which the Page may speak. */
export function buildPersona(pageId: string, name: string, pictureUrl: string): GraphRequest {
  if (name === '' || name.length > 50) throw new RangeError('the name of a persona has 1 to 50 characters')
  return { method: 'POST', path: `/${encodeURIComponent(pageId)}/personas`, json: { name, profile_picture_url: pictureUrl } }
}

/** Asks for the Page's own node. */
export function buildPage(pageId: string): GraphRequest {
  return buildAccount(pageId, 'id,name')
}

/** Asks for the profile of a person who wrote to the Page. */
export function buildMessengerProfile(psid: string): GraphRequest {
  return buildAccount(psid, 'id,first_name,last_name,profile_pic')
}

export function readMessengerProfile(body: JsonObject): RemotePerson | undefined {
  const id = idField(body, 'id')
  const names = [textField(body, 'first_name', 128), textField(body, 'last_name', 128)].filter((name) => name)
  return id === undefined ? undefined : { id, ...(names.length > 0 ? { name: names.join(' ') } : {}) }
}
