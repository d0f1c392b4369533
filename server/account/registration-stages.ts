import type { JsonObject } from '../core/json.ts'
import type { Home } from '../home.ts'
import type { Stage } from '../people/interaction/interaction.ts'
import { hashToken } from '../people/tokens.ts'
import { isTokenUsable } from './registration-tokens.ts'

export const tokenStage = 'm.login.registration_token'
export const termsStage = 'm.login.terms'

/** What whoever registers has to prove: a token, consent, both, or (with the dummy) nothing. */
export function registrationStages(home: Pick<Home, 'config' | 'database' | 'clock'>): Stage[] {
  const { token_required: tokenRequired, terms } = home.config.registration
  const stages: Stage[] = []
  if (tokenRequired) stages.push(byToken(home))
  if (terms.length > 0) stages.push({ type: termsStage, params: termsParams(terms), attempt: () => ({ done: '' }) })
  return stages.length > 0 ? stages : [{ type: 'm.login.dummy', attempt: () => ({ done: '' }) }]
}

/** https://spec.matrix.org/v1.19/client-server-api/#token-authenticated-registration */
function byToken(home: Pick<Home, 'database' | 'clock'>): Stage {
  return {
    type: tokenStage,
    attempt: async ({ token }) => {
      const isUsable = typeof token === 'string' && (await isTokenUsable(home, token))
      return isUsable ? { done: hashToken(token) } : { refused: 'the registration token cannot be used' }
    },
  }
}

/** https://spec.matrix.org/v1.19/client-server-api/#definition-mloginterms-params */
function termsParams(terms: Home['config']['registration']['terms']): JsonObject {
  const policies: Record<string, JsonObject> = {}
  for (const { id, version, language, name, url } of terms) policies[id] = { ...policies[id], version, [language]: { name, url } }
  return { policies }
}
