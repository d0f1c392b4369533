import { addChore } from './chores.ts'
import type { Session } from './connector.ts'
import type { Kit } from './kit.ts'
import { secretsOf } from './logins.ts'
import { ownerOf } from './owners.ts'
import { describeState, noteState } from './states.ts'
import { type LoginRow, selectLogin, selectLogins, updateLoginTold } from './store/logins.store.ts'
import { selectManagementRoomOf } from './store/management.store.ts'
import { renewTokens } from './tokens/renew.ts'

/** A state that lasts this long is told; one that comes and goes is not. */
const tellAfterMs = 3000
const lookMs = 1000
const longestProbeMs = 600_000

/** Tells owners of states that changed and have lasted; gives whether there was something to tell. */
export function tellStates(kit: Pick<Kit, 'store' | 'vault' | 'clock' | 'owner' | 'connector'>): boolean {
  const { store, clock } = kit
  let told = false
  for (const row of selectLogins(store)) {
    if (row.state === row.told || clock() - row.since < tellAfterMs) continue
    store.atomically(() => {
      updateLoginTold(store, row.login, row.state)
      told = tellState(kit, row) || told
    })
  }
  return told
}

/** That a new account is connected is no news: whoever logs in is told there. */
function tellState(kit: Pick<Kit, 'store' | 'vault' | 'clock' | 'owner' | 'connector'>, row: LoginRow): boolean {
  const owner = ownerOf(kit, row.login)
  const room = owner === undefined ? undefined : selectManagementRoomOf(kit.store, owner)
  if (room === undefined || (row.told === null && row.state === 'connected')) return false
  const text = `${kit.connector.info.title} · ${row.name ?? 'account'}: ${describeState(row)}`
  addChore(kit, `state ${row.login} ${row.state} ${row.since}`, { kind: 'notice', room, text })
  return true
}

/** Asks the network again about the accounts whose pause is over. Gives how many are connected again. One with bad credentials is left alone. */
export async function probeLogins(kit: Pick<Kit, 'store' | 'vault' | 'clock' | 'connector'>): Promise<number> {
  let connected = 0
  for (const row of selectLogins(kit.store)) {
    if (row.state !== 'backing_off' || (row.until ?? 0) > kit.clock()) continue
    const secrets = secretsOf(kit, row.login)
    if (!secrets) continue
    const result = await kit.connector.login(secrets)
    if (selectLogin(kit.store, row.login)?.state !== 'backing_off') continue
    const wait = Math.min(Math.max(kit.clock() - row.since, 5000), longestProbeMs)
    if (result.kind === 'done') noteState(kit, row.login, { state: 'connected' })
    else if (result.kind === 'refused') noteState(kit, row.login, { ...result, state: 'bad_credentials' })
    else noteState(kit, row.login, { ...result, state: 'backing_off', until: kit.clock() + Math.max(wait, result.retryAfterMs ?? 0) })
    if (result.kind === 'done') connected++
  }
  return connected
}

/** Looks after the states until the signal: tells what lasts, and asks again when a pause is over. */
export function watchStates(
  kit: Kit & { readonly sessions: Map<string, Session> },
  wake: { told(): void; connected(): void },
  signal: AbortSignal,
): () => Promise<void> {
  let busy: Promise<void> | undefined
  const look = async () => {
    if ((await probeLogins(kit)) > 0) wake.connected()
    await renewTokens(kit)
    if (tellStates(kit)) wake.told()
  }
  const timer = setInterval(() => {
    busy ??= look()
      .catch(() => kit.log('warn', 'the state of an account could not be looked after'))
      .finally(() => {
        busy = undefined
      })
  }, lookMs).unref()
  signal.addEventListener('abort', () => clearInterval(timer))
  return async () => void (await busy)
}
