import type { Slice, Tools } from '../slice.ts'
import { deviceManagement } from './device-management.client.ts'
import { login } from './login.client.ts'
import { logout } from './logout.client.ts'
import { refresh } from './refresh.client.ts'
import { registerAdmin } from './register.admin.ts'
import { registration } from './registration.client.ts'
import { registrationTokensAdmin } from './registration-tokens.admin.ts'
import { registrationTokens } from './registration-tokens.client.ts'
import { whoami } from './whoami.client.ts'

/** Accounts, sessions and devices. */
export function account(tools: Tools): Slice {
  return {
    name: 'account',
    endpoints: [
      ...registration(tools),
      ...registrationTokens(tools),
      ...registrationTokensAdmin(tools),
      ...registerAdmin(tools),
      ...login(tools),
      ...logout(tools),
      ...refresh(tools),
      ...whoami(),
      ...deviceManagement(tools),
    ],
  }
}
