import type { ApiCall, Outcome } from './api-call.ts'
import { graphErrors } from './graph-error.ts'
import { createMid } from './ids.ts'
import type { World } from './world.ts'

const lifeMs = 60 * 86_400_000

/** `GET /refresh_access_token`: Instagram gives a new token for 60 days; the old one is good until its own end. */
export function renewToken(world: World, { account, query }: ApiCall): Outcome {
  if (account.network !== 'instagram' || query.get('grant_type') !== 'ig_refresh_token') return { error: graphErrors.unknownPath }
  const token = `IGAA${createMid().slice(2)}`
  world.renewedTokens.set(token, { network: account.network, until: world.clock.now() + lifeMs })
  return { body: { access_token: token, token_type: 'bearer', expires_in: lifeMs / 1000 } }
}
