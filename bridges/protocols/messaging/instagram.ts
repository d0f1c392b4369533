import type { GraphRequest } from '../graph/graph-client.ts'
import { idField, integerField, type JsonObject, textField } from '../graph/read-json.ts'
import type { RemotePerson } from '../graph/record.ts'
import { countBytes } from '../graph/split-text.ts'
import { buildAccount, buildMessage, type OutgoingText } from './messaging.ts'

/** Bytes of UTF-8 of a text. Instagram has no `metadata`: a send whose answer was lost can only be recognised by its echo's text. */
export const instagramLimits = { text: 1000 } as const

/**
 * A text of 1 to 1000 bytes. `account` is the Instagram id, the linked Page's id, or `me`; `humanAgent` stretches the window to seven days for an
 * answer that a person typed. Throws a RangeError beyond the limit.
 */
export function buildInstagramText(account: string, message: OutgoingText & { humanAgent?: boolean }): GraphRequest {
  const { to, text, replyTo, humanAgent } = message
  if (text === '' || countBytes(text) > instagramLimits.text) throw new RangeError('a text of Instagram has 1 to 1000 bytes')
  return buildMessage(
    account,
    to,
    { text },
    {
      ...(humanAgent ? { messaging_type: 'MESSAGE_TAG', tag: 'HUMAN_AGENT' } : { messaging_type: 'RESPONSE' }),
      ...(replyTo === undefined ? {} : { reply_to: { mid: replyTo } }),
    },
  )
}

/** Asks for the Instagram account behind the token (`me`) or under an id. */
export function buildInstagramAccount(account: string): GraphRequest {
  return buildAccount(account, 'id,username,name')
}

/** Asks for the profile of a person who wrote to the account. */
export function buildInstagramProfile(igsid: string): GraphRequest {
  return buildAccount(igsid, 'id,name,username,profile_pic')
}

export function readInstagramProfile(body: JsonObject): RemotePerson | undefined {
  const id = idField(body, 'id')
  const name = textField(body, 'name', 256)
  const username = textField(body, 'username', 256)
  return id === undefined ? undefined : { id, ...(name ? { name } : {}), ...(username ? { username } : {}) }
}

/** Asks for a token in place of a long-lived one that is a day old or more. The token itself travels in the header. */
export function buildInstagramRenewal(): GraphRequest {
  return { method: 'GET', path: '/refresh_access_token', query: { grant_type: 'ig_refresh_token' } }
}

/** The new token, and for how long it is good. */
export function readInstagramRenewal(body: JsonObject): { accessToken: string; lastsMs: number } | undefined {
  const accessToken = textField(body, 'access_token', 4096)
  const seconds = integerField(body, 'expires_in')
  return accessToken !== undefined && seconds !== undefined && seconds > 0 ? { accessToken, lastsMs: seconds * 1000 } : undefined
}
