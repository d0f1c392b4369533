import type { Reader, Slice, Tools } from '../slice.ts'
import { administration } from './admin.client.ts'
import { authFallback } from './auth-fallback.client.ts'
import { deactivation } from './deactivation.client.ts'
import { resumeDeactivations } from './deactivation.ts'
import { deviceManagement } from './device-management.client.ts'
import { login } from './login.client.ts'
import { loginFallback } from './login-fallback.client.ts'
import { loginToken } from './login-token.client.ts'
import { logout } from './logout.client.ts'
import { openId } from './openid.client.ts'
import { openIdFederation } from './openid.federation.ts'
import { password } from './password.client.ts'
import { refresh } from './refresh.client.ts'
import { registerAdmin } from './register.admin.ts'
import { registration } from './registration.client.ts'
import { registrationTokensAdmin } from './registration-tokens.admin.ts'
import { registrationTokens } from './registration-tokens.client.ts'
import { singleSignOn } from './sso.client.ts'
import { thirdParty } from './third-party.client.ts'
import { whoami } from './whoami.client.ts'

/** Accounts, sessions and devices. */
export function account(tools: Tools): Slice {
  return {
    name: 'account',
    endpoints: [
      ...authFallback(tools),
      ...registration(tools),
      ...registrationTokens(tools),
      ...registrationTokensAdmin(tools),
      ...registerAdmin(tools),
      ...login(tools),
      ...loginFallback(),
      ...logout(tools),
      ...refresh(tools),
      ...whoami(),
      ...deviceManagement(tools),
      ...loginToken(tools),
      ...singleSignOn(),
      ...password(tools),
      ...deactivation(tools),
      ...thirdParty(),
      ...openId(tools),
      ...openIdFederation(tools),
      ...administration(tools),
    ],
    readers: [unfinished(tools)],
  }
}

/** Finishes what a crash has cut short. */
function unfinished(tools: Tools): Reader {
  let running = Promise.resolve()
  let isStopping = false
  return {
    name: 'deactivations',
    start: () => {
      running = resumeDeactivations(tools, () => isStopping).catch((error) => {
        tools.home.log.error('accounts that were ended could not be cleared away', { error: String(error) })
      })
    },
    stop: () => {
      isStopping = true
      return running
    },
  }
}
