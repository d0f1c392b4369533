import type { UserId } from '../../core/ids.ts'
import { forbidden } from '../../core/matrix-error.ts'
import type { Home } from '../../home.ts'
import type { Call } from '../../http/endpoint.ts'
import type { People } from '../people.ts'
import { interact, namedUser, type Stage } from './interaction.ts'

/** Passes when the call's `auth` holds the password of who asks, or a service asks; throws the 401 otherwise. */
export async function confirmByPassword(home: Home, checkPassword: People['checkPassword'], call: Call<'access_token'>): Promise<void> {
  const { requester, request, path, body } = call
  if (requester.service) return
  const operation = { method: request.method ?? '', path, userId: requester.userId, body }
  const passed = await interact(home, operation, [[passwordStage(home, checkPassword, requester.userId)]])
  if (passed.writes.length === 0) return
  const outcome = await home.database.commit({ guards: passed.guards, writes: passed.writes })
  if (!outcome.ok) passed.refuse('this session was used before')
}

/** https://spec.matrix.org/v1.19/client-server-api/#password-based */
function passwordStage(home: Home, checkPassword: People['checkPassword'], userId: UserId): Stage {
  return {
    type: 'm.login.password',
    counts: (detail) => detail === userId,
    attempt: async (auth) => {
      const named = namedUser(auth, home.serverName)
      if (named !== undefined && named !== userId) throw forbidden('this takes the password of the account that it is about')
      const { password } = auth
      if (typeof password !== 'string') return { refused: 'a password is needed' }
      const right = await checkPassword(userId, password)
      return named !== undefined && right ? { done: userId } : { refused: 'that is not the password' }
    },
  }
}
