import type { SendResult } from './connector.ts'
import { Later } from './feed.ts'
import type { Kit } from './kit.ts'
import { type LoginRow, type LoginState, selectLogin, updateLoginState } from './store/logins.store.ts'

type StateKit = Pick<Kit, 'store' | 'clock'>
export type StateNews = {
  readonly state: LoginState
  readonly class?: string
  readonly words?: string
  /** Until when the bridge waits before it asks the network again. */
  readonly until?: number
}

/** Notes how it stands with a login. */
export function noteState({ store, clock }: StateKit, login: string, news: StateNews): void {
  const { state, class: reason = null, words = null, until = null } = news
  updateLoginState(store, login, { state, class: reason, words, until }, clock())
}

/**
 * Whether sends of a login may go out now. `held` when somebody has to do something first: then what is queued stays so. Throws `Later` while the
 * network has asked for a pause.
 */
export function checkHold({ store, clock }: StateKit, login: string): 'go' | 'held' {
  const row = selectLogin(store, login)
  if (!row || row.state === 'bad_credentials' || row.state === 'logged_out') return 'held'
  const left = row.state === 'backing_off' && row.class === 'rate_limited' ? (row.until ?? 0) - clock() : 0
  if (left > 0) throw new Later('the network limits how fast this account may send', left)
  return 'go'
}

const shortWaitMs = 5000
const longestWaitMs = 600_000
const wholeAccount = ['rate_limited', 'network', 'server']

/**
 * What the answer to a send tells about the account. A token that is refused is asked about once more: when the network refuses the login as well, the
 * account has bad credentials, and the send waits for new ones instead of failing. Gives the result as it is to be taken.
 */
export async function learnFrom(
  kit: StateKit & Pick<Kit, 'connector'>,
  login: string,
  result: SendResult,
  secrets: { account: string; accessToken: string } | undefined,
): Promise<SendResult> {
  const row = selectLogin(kit.store, login)
  if (!row || row.state === 'logged_out') return result
  // What was held meanwhile is woken when the network was asked again.
  if (result.kind === 'sent' && row.state === 'bad_credentials') noteState(kit, login, { state: 'backing_off', until: kit.clock() })
  else if (result.kind === 'sent' && row.state !== 'connected') noteState(kit, login, { state: 'connected' })
  if (result.kind === 'retry' && wholeAccount.includes(result.class)) {
    const lasted = row.state === 'backing_off' ? kit.clock() - row.since : 0
    const wait = result.retryAfterMs ?? Math.min(Math.max(lasted, shortWaitMs), longestWaitMs)
    noteState(kit, login, { ...result, state: 'backing_off', until: kit.clock() + wait })
  }
  if (result.kind !== 'refused' || result.class !== 'credentials' || !secrets) return result
  const proof = await kit.connector.login(secrets)
  if (proof.kind === 'done') return result
  if (proof.kind === 'refused') noteState(kit, login, { ...proof, state: 'bad_credentials' })
  return { ...result, kind: 'retry' }
}

const headings: Readonly<Record<LoginState, string>> = {
  connected: 'connected',
  backing_off: 'waits before it tries again',
  bad_credentials: 'its token is no longer accepted',
  logged_out: 'logged out',
}

/** How it stands with a login, in words: the state, until when, why, and what to do. */
export function describeState({ state, words, until }: Pick<LoginRow, 'state' | 'words' | 'until'>): string {
  const when = state === 'backing_off' && until !== null ? ` (until ${time(until)})` : ''
  const why = words !== null && state !== 'connected' ? `: ${words}` : ''
  const todo = { connected: '', backing_off: '', logged_out: ' What is queued waits. Write `login` to come back.' }
  const more = state === 'bad_credentials' ? ' What is queued waits. Write `login` to give it a new token.' : todo[state]
  return `${headings[state]}${when}${why}${/[.]$/.test(why) || why === '' ? '' : '.'}${more}`
}

/** A time as people read it, in UTC. */
export function time(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
