import type { DeviceId, UserId } from '../core/ids.ts'
import { unknownToken, userDeactivated, userLocked } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import { guard, type LogRow, type Write, write } from '../storage/database.ts'
import { deviceListChanges } from './device-changes.ts'
import { insertDevice, selectDevice } from './devices.store.ts'
import { endingSessionsOf } from './devices.ts'
import type { NewSession } from './people.ts'
import {
  deleteAccessTokensOfSession,
  deleteNewerAccessTokens,
  deleteNewerRefreshTokens,
  deleteOlderAccessTokens,
  deleteRefreshTokensOfSession,
  deleteSession,
  insertAccessToken,
  insertRefreshToken,
  insertSession,
  selectByRefreshToken,
  selectSession,
  selectSessionOfDevice,
  selectUsableAccount,
  updateConfirmed,
} from './sessions.store.ts'
import { hashToken, makeDeviceId, makeToken } from './tokens.ts'

type Tools = Pick<Home, 'database' | 'clock' | 'random'>

/** How long an access token lives when its client can refresh it. */
export const accessTokenLifetime = 15 * 60_000

/**
 * Starts a session. A device of that id is taken over with its session's id: transaction ids go on where its last tokens left them. 403
 * M_USER_DEACTIVATED when the account is no more.
 */
export async function createSession(
  home: Tools,
  of: { userId: UserId; deviceId: DeviceId | undefined | null; displayName: string | undefined; refreshable: boolean },
): Promise<NewSession> {
  const { userId } = of
  const deviceId = of.deviceId === null ? undefined : (of.deviceId ?? makeDeviceId(home))
  const before = of.deviceId ? await home.database.selectOne(selectSessionOfDevice, userId, of.deviceId) : undefined
  const sessionId = before?.session_id ?? home.random(16).toString('base64url')
  const tokens = makeTokens(home, sessionId, 0, of.refreshable)
  const writes: Write[] = []
  const log: LogRow[] = [{ kind: 'session', key: userId }]
  if (deviceId !== undefined) {
    writes.push(...endingSessionsOf(userId, [deviceId]))
    writes.push(write(insertDevice, userId, deviceId, of.displayName ?? null, home.clock.now()))
    if (!(await home.database.selectOne(selectDevice, userId, deviceId))) {
      const change = deviceListChanges(userId, log.length, [deviceId])
      writes.push(...change.writes)
      log.push(...change.log)
    }
  }
  writes.push(write(insertSession, sessionId, userId, deviceId ?? null, home.clock.now()), ...tokens.writes)
  const outcome = await home.database.commit({ guards: [guard('account', 'row', selectUsableAccount, userId)], writes, log })
  if (!outcome.ok) throw userDeactivated()
  return { ...tokens.given, deviceId }
}

/**
 * Gives the next tokens for a refresh token. It stays good until one of them is used, so that an answer that was lost can be asked for again; used
 * after that it is in wrong hands, and the session ends. https://spec.matrix.org/v1.19/client-server-api/#refreshing-access-tokens
 */
export async function refreshSession(home: Tools, refreshToken: string): Promise<NewSession & { userId: UserId }> {
  const row = await home.database.selectOne(selectByRefreshToken, hashToken(refreshToken))
  if (!row || row.deactivated) throw unknownToken({ message: 'unknown refresh token' })
  if (row.locked) throw userLocked()
  const { session_id: sessionId, user_id: userId, generation } = row
  const log = [{ kind: 'session', key: userId }]
  if (generation >= row.confirmed) {
    const tokens = makeTokens(home, sessionId, generation + 1, true)
    const writes = [
      write(updateConfirmed, generation, sessionId),
      write(deleteNewerAccessTokens, sessionId, generation),
      write(deleteNewerRefreshTokens, sessionId, generation),
      ...tokens.writes,
    ]
    if (generation > row.confirmed) writes.push(write(deleteOlderAccessTokens, sessionId, generation))
    const outcome = await home.database.commit({ guards: [guard('unused', 'row', selectSession, sessionId, generation)], writes, log })
    if (outcome.ok) return { ...tokens.given, deviceId: row.device_id ?? undefined, userId }
  }
  await home.database.commit({ writes: endingSession(sessionId), log })
  throw unknownToken({ message: 'the refresh token was used before' })
}

/** Notes that a token of this generation was used: those before it are void from now on. False when it is void itself. */
export async function confirmGeneration(home: Tools, sessionId: string, generation: number, userId: UserId): Promise<boolean> {
  const outcome = await home.database.commit({
    guards: [guard('unused', 'row', selectSession, sessionId, generation)],
    writes: [write(updateConfirmed, generation, sessionId), write(deleteOlderAccessTokens, sessionId, generation)],
    log: [{ kind: 'session', key: userId }],
  })
  return outcome.ok
}

/** What ends one session; its device, if it has one, stays. */
export function endingSession(sessionId: string): Write[] {
  return [write(deleteAccessTokensOfSession, sessionId), write(deleteRefreshTokensOfSession, sessionId), write(deleteSession, sessionId)]
}

function makeTokens(home: Tools, sessionId: string, generation: number, refreshable: boolean) {
  const accessToken = makeToken(home, 'access')
  const refreshToken = refreshable ? makeToken(home, 'refresh') : undefined
  const expiresAt = refreshable ? home.clock.now() + accessTokenLifetime : null
  const writes = [write(insertAccessToken, hashToken(accessToken), sessionId, generation, expiresAt)]
  if (refreshToken !== undefined) writes.push(write(insertRefreshToken, hashToken(refreshToken), sessionId, generation))
  const given = { accessToken, refreshToken, expiresInMilliseconds: refreshable ? accessTokenLifetime : undefined }
  return { given, writes }
}
