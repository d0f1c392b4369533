import type { Kit, LateRules } from '../kit.ts'
import { putValue, selectValue } from '../store/logins.store.ts'
import type { OutboxRow } from '../store/outbox.store.ts'
import type { PortalRow } from '../store/portals.store.ts'

/** What holds unless somebody says otherwise. */
export const defaultLateRules: LateRules = { messages: 'keep', keepMs: 72 * 3_600_000, humanAgent: false }
type RuleKit = Pick<Kit, 'store' | 'late'>

/** The rules for an account: the operator's, but for what was chosen for the account. */
export function lateRulesOf({ store, late = defaultLateRules }: RuleKit, login: string): LateRules {
  const chosen = selectValue(store, `late ${login}`)
  return chosen === undefined ? late : { ...late, ...(JSON.parse(chosen) as Partial<LateRules>) }
}

/** Chooses for an account; in the caller's transaction. */
export function chooseLateRules(kit: RuleKit, login: string, choice: Partial<Pick<LateRules, 'messages' | 'humanAgent'>>): void {
  const { messages, humanAgent } = { ...lateRulesOf(kit, login), ...choice }
  putValue(kit.store, `late ${login}`, JSON.stringify({ messages, humanAgent }))
}

/** For how long after a chat's person wrote they can be answered; undefined where only the network knows. */
export function windowOf(kit: RuleKit & Pick<Kit, 'connector'>, { login, hub }: Pick<PortalRow, 'login' | 'hub'>): number | undefined {
  const { replyWindowMs, agentWindowMs } = kit.connector
  // What a bridge carries between apps is not a human agent's.
  return agentWindowMs !== undefined && hub === 0 && lateRulesOf(kit, login).humanAgent ? agentWindowMs : replyWindowMs
}

/** The same for one part: what the bridge itself says, or carries from others, has the short time. */
export function windowFor(
  kit: RuleKit & Pick<Kit, 'connector'>,
  chat: Pick<PortalRow, 'login' | 'hub'>,
  { event, author }: Pick<OutboxRow, 'event' | 'author'>,
): number | undefined {
  return event.startsWith('$') && author === null ? windowOf(kit, chat) : kit.connector.replyWindowMs
}
