import type { UserId } from '../core/ids.ts'
import { forbidden } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { hashToken, makeToken } from '../people/tokens.ts'
import type { Tools } from '../slice.ts'
import { guard, write } from '../storage/database.ts'
import { deleteExpiredLoginTokens, deleteLoginToken, insertLoginToken, selectLoginToken } from './single-use-tokens.store.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv1loginget_token */
export function loginToken(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v1/login/get_token',
      aliases: ['/_matrix/client/unstable/org.matrix.msc3882/login/token'],
      operationId: 'generateLoginToken',
      auth: 'access_token',
      body: 'json?',
      rate: 'other',
      handle: (call) => give(tools, call),
    }),
  ]
}

async function give({ home, people }: Tools, call: Call<'access_token'>): Promise<Reply> {
  const { enabled, token_timeout: lifetime } = home.config.login_via_existing_session
  if (!enabled) throw forbidden('tokens for logging in are not given here')
  await people.confirmByPassword(call)
  const token = makeToken(home, 'login')
  const now = home.clock.now()
  await home.database.commit({
    writes: [write(deleteExpiredLoginTokens, now), write(insertLoginToken, hashToken(token), call.requester.userId, now + lifetime)],
  })
  return { body: { login_token: token, expires_in_ms: lifetime } }
}

/** Whose token this is; it is used up. 403 M_FORBIDDEN when it was used before, has expired, or never was one. */
export async function useLoginToken(home: Pick<Home, 'database' | 'clock'>, token: string): Promise<UserId> {
  const hash = hashToken(token)
  const now = home.clock.now()
  const row = await home.database.selectOne(selectLoginToken, hash, now)
  const guards = [guard('unused', 'row', selectLoginToken, hash, now)]
  const outcome = row && (await home.database.commit({ guards, writes: [write(deleteLoginToken, hash)] }))
  if (!row || !outcome?.ok) throw forbidden('this login token is not known, or was used before')
  return row.user_id
}
