import type { LoginSecrets } from '../connector.ts'
import type { Kit } from '../kit.ts'
import { putValue, selectValue } from '../store/logins.store.ts'

/**
 * What is known of a login's token. `of` is the token itself and `from` the one that somebody entered, from which it was renewed, both blind; `since` when
 * it is here, `ends` until when it is good, as the network said; `tried` when the network was last asked for a new one.
 */
export type TokenFacts = {
  readonly of: string
  readonly from: string
  readonly since: number
  readonly ends?: number
  readonly tried?: number
}

export function readFacts({ store }: Pick<Kit, 'store'>, login: string): TokenFacts | undefined {
  const value = selectValue(store, `token ${login}`)
  return value === undefined ? undefined : (JSON.parse(value) as TokenFacts)
}

export function keepFacts({ store }: Pick<Kit, 'store'>, login: string, facts: TokenFacts): void {
  putValue(store, `token ${login}`, JSON.stringify(facts))
}

/** The secrets with which a login goes on when these are entered again: its current ones, when they were renewed from these. */
export function renewedFrom(
  kit: Pick<Kit, 'store' | 'vault'>,
  login: string,
  entered: LoginSecrets,
  current: LoginSecrets | undefined,
): LoginSecrets {
  const facts = readFacts(kit, login)
  const isRenewed = facts && current && facts.from === kit.vault.blind('token', entered.accessToken)
  return isRenewed && facts.of === kit.vault.blind('token', current.accessToken) ? current : entered
}
