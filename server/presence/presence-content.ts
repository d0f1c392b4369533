import type { JsonObject } from '../core/json.ts'

export const presenceNames = ['online', 'offline', 'unavailable'] as const
export type PresenceName = (typeof presenceNames)[number]
/** Bytes of a message. */
export const longestMessage = 1024

/** How a user is; without a message, null. */
export type Shown = { readonly presence: PresenceName; readonly statusMsg: string | null; readonly lastActiveAt: number }

/** What others are told. Online is who was active lately, so that whether somebody is active now is never stale. */
export function presenceContent({ presence, statusMsg, lastActiveAt }: Shown, now: number): JsonObject {
  return {
    presence,
    last_active_ago: Math.max(0, now - lastActiveAt),
    currently_active: presence === 'online',
    ...(statusMsg === null || statusMsg === '' ? {} : { status_msg: statusMsg }),
  }
}
