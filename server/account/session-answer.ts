import { readOptionalBoolean, readOptionalText } from '../core/fields.ts'
import type { UserId } from '../core/ids.ts'
import { fitsBytes, maxIdBytes } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { invalidParam } from '../core/matrix-error.ts'
import type { Tools } from '../slice.ts'

/** What a request for a session says of its device, checked before anything is done for it. */
export type Wanted = { readonly deviceId: string | undefined; readonly displayName: string | undefined; readonly refreshable: boolean }

export function readWanted(body: JsonObject): Wanted {
  const deviceId = readOptionalText(body, 'device_id')
  const displayName = readOptionalText(body, 'initial_device_display_name')
  if (deviceId !== undefined && (deviceId === '' || !fitsBytes(deviceId, maxIdBytes) || !isPlain(deviceId))) {
    throw invalidParam('device_id is empty, too long or no plain text')
  }
  checkDisplayName(displayName)
  return { deviceId, displayName, refreshable: readOptionalBoolean(body, 'refresh_token') ?? false }
}

/** 400 M_INVALID_PARAM for a device's name that nobody would show. */
export function checkDisplayName(displayName: string | undefined): void {
  if (displayName === undefined) return
  if (displayName.length > 255 || !isPlain(displayName)) throw invalidParam('the display name is too long or no plain text')
}

/** Whether a text can be stored everywhere: without NUL and halves of surrogate pairs. */
function isPlain(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** Starts a session and answers as registering and logging in do. */
export async function startSession({ home, people }: Tools, userId: UserId, wanted: Wanted): Promise<JsonObject> {
  const session = await people.createSession({ userId, ...wanted })
  return {
    user_id: userId,
    access_token: session.accessToken,
    device_id: session.deviceId,
    home_server: home.serverName,
    refresh_token: session.refreshToken,
    expires_in_ms: session.expiresInMilliseconds,
  }
}
