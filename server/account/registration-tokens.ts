import type { Home } from '../home.ts'
import { hashToken, makeToken } from '../people/tokens.ts'
import { type Guard, guard, type Write, write } from '../storage/database.ts'
import { insertToken, selectUsableToken, updateUses } from './registration-tokens.store.ts'

/** Whether somebody may make an account with this token now. */
export async function isTokenUsable(home: Pick<Home, 'database' | 'clock'>, token: string): Promise<boolean> {
  return (await home.database.selectOne(selectUsableToken, hashToken(token), home.clock.now())) !== undefined
}

/** What uses a token (by its hash) up together with what it is used for. */
export function usingToken(home: Pick<Home, 'clock'>, hash: string): { guards: Guard[]; writes: Write[] } {
  return { guards: [guard('token', 'row', selectUsableToken, hash, home.clock.now())], writes: [write(updateUses, hash)] }
}

/** Makes a token; `usesAllowed` undefined: as often as one likes. It is shown once and stored hashed. */
export async function createRegistrationToken(
  home: Pick<Home, 'database' | 'random'>,
  of: { token?: string | undefined; usesAllowed?: number | undefined; expiresAt?: number | undefined },
): Promise<string> {
  const token = of.token ?? makeToken(home, 'registration')
  await home.database.commit({ writes: [write(insertToken, hashToken(token), of.usesAllowed ?? null, of.expiresAt ?? null)] })
  return token
}
