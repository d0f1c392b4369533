import { addChore } from '../chores.ts'
import type { LoginSecrets, Session } from '../connector.ts'
import type { Kit } from '../kit.ts'
import { secretsOf } from '../logins.ts'
import { ownerOf } from '../owners.ts'
import { time } from '../states.ts'
import { type LoginRow, putLogin, selectLogins } from '../store/logins.store.ts'
import { selectManagementRoomOf } from '../store/management.store.ts'
import { keepFacts, readFacts, type TokenFacts } from './facts.ts'

const dayMs = 86_400_000
/** The networks renew no token that is younger. */
const youngMs = dayMs
const renewAheadMs = 30 * dayMs
const warnAheadMs = 7 * dayMs
const retryMs = 3_600_000

type TokenKit = Pick<Kit, 'store' | 'vault' | 'clock' | 'connector' | 'owner' | 'log'> & { readonly sessions: Map<string, Session> }

/** Renews the tokens that end, long before they do; a week before the end, its owner is told when that did not work. */
export async function renewTokens(kit: TokenKit): Promise<void> {
  if (!kit.connector.renew) return
  for (const row of selectLogins(kit.store)) {
    const secrets = row.state === 'connected' ? secretsOf(kit, row.login) : undefined
    if (!secrets) continue
    const facts = factsOf(kit, row.login, secrets)
    if (isDue(facts, kit.clock())) await renew(kit, row, secrets, facts)
    else warn(kit, row, facts)
  }
}

/** A token that was entered since counts from now. */
function factsOf(kit: TokenKit, login: string, { accessToken }: LoginSecrets): TokenFacts {
  const of = kit.vault.blind('token', accessToken)
  const known = readFacts(kit, login)
  if (known?.of === of) return known
  const facts = { of, from: of, since: kit.clock() }
  keepFacts(kit, login, facts)
  return facts
}

function isDue({ since, ends, tried }: TokenFacts, now: number): boolean {
  if (now - since < youngMs || (ends !== undefined && ends - now > renewAheadMs)) return false
  // Of one whose end is not known it is not known either whether it can be renewed.
  return tried === undefined || now - tried >= (ends === undefined ? dayMs : retryMs)
}

async function renew(kit: TokenKit, row: LoginRow, secrets: LoginSecrets, facts: TokenFacts): Promise<void> {
  const { store, vault, connector, clock, sessions } = kit
  const { login, account, name, owner } = row
  const result = await connector.renew?.(secrets)
  // Somebody has entered another one meanwhile.
  if (secretsOf(kit, login)?.accessToken !== secrets.accessToken) return
  if (result?.kind !== 'renewed') {
    keepFacts(kit, login, { ...facts, tried: clock() })
    kit.log('info', 'a token could not be renewed', { login, why: result?.words })
    return
  }
  const fresh = { account: secrets.account, accessToken: result.accessToken }
  store.atomically(() => {
    putLogin(store, { login, account, name, owner, secrets: vault.seal(JSON.stringify(fresh), `login ${login}`) }, clock())
    const of = vault.blind('token', result.accessToken)
    keepFacts(kit, login, { of, from: facts.from, since: clock(), ends: clock() + result.lastsMs })
  })
  const before = sessions.get(login)
  sessions.set(login, connector.open(fresh))
  await before?.close()
}

function warn(kit: TokenKit, row: LoginRow, { ends }: TokenFacts): void {
  if (ends === undefined || ends - kit.clock() > warnAheadMs) return
  const owner = ownerOf(kit, row.login)
  const room = owner === undefined ? undefined : selectManagementRoomOf(kit.store, owner)
  if (room === undefined) return
  const text = `${kit.connector.info.title} · ${row.name ?? 'account'}: ${endWords(ends)}`
  addChore(kit, `token ${row.login} ${ends}`, { kind: 'notice', room, text })
}

function endWords(ends: number): string {
  return `its token ends on ${time(ends)} and could not be renewed. Write \`login\` to give it a new one before that.`
}

/** What is to be said of a connected login's token in its state; empty when its end is not known. */
export function describeToken(kit: Pick<Kit, 'store' | 'clock'>, { login, state }: LoginRow): string {
  const ends = state === 'connected' ? readFacts(kit, login)?.ends : undefined
  if (ends === undefined) return ''
  if (ends - kit.clock() <= warnAheadMs) return ` ${endWords(ends).replace(/^i/, 'I')}`
  return ` Its token is good until ${time(ends)}, and is renewed before that.`
}
