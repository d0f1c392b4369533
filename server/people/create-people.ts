import type { DeviceId, UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Home } from '../home.ts'
import type { Requester } from '../http/endpoint.ts'
import { type Part, type Write, write } from '../storage/database.ts'
import { insertSender } from './accounts.store.ts'
import { checkPassword, createAccount, findAccount } from './accounts.ts'
import { createServiceQueries } from './appservice-queries.ts'
import { deviceListChange } from './device-changes.ts'
import { findDevice, listDevices, putDevice, removingDevices } from './devices.ts'
import { attempt, namedUser } from './interaction.ts'
import { createPasswords, type Passwords } from './passwords.ts'
import type { People } from './people.ts'
import { readProfile, setProfileField } from './profiles.ts'
import { readRegistrations } from './registrations.ts'
import { createRequesters } from './requesters.ts'
import { createServices, type Services } from './services.ts'
import { deleteAccessTokensOfUser, deleteRefreshTokensOfUser, deleteSessionsOfUser } from './sessions.store.ts'
import { createSession, endingSession, refreshSession } from './sessions.ts'

type ForgetDevice = (userId: UserId, deviceId: DeviceId) => Promise<void>

/** Reads the application services' registrations and makes their senders' accounts; throws in words for the operator when one cannot be used. */
export async function createPeople(bare: Home): Promise<People> {
  const services = createServices(readRegistrations(bare.config.appservice_files, bare.serverName))
  const home = forgetting(bare, (userId) => requesters.forget(userId))
  const requesters = createRequesters(home, services)
  bare.notifier.beforeAdvance((rows) => {
    for (const { kind, key } of rows) if (kind === 'session') requesters.forget(key)
  })
  const passwords = createPasswords(home.config.password_hashing)
  await createSenders(home, services)
  return {
    ...services,
    authenticate: requesters.authenticate,
    onServiceSeen: requesters.onServiceSeen,
    ...createServiceQueries(home, services.services, (userId) => findAccount(home, userId)),
    account: (userId) => findAccount(home, userId),
    createAccount: (of) => createAccount(home, passwords, of),
    profile: (userId) => readProfile(home, userId),
    setProfileField: (userId, field, value) => setProfileField(home, userId, field, value),
    checkPassword: (userId, password) => checkPassword(home, passwords, userId, password),
    confirmByPassword: (requester, body) => confirmByPassword(home, passwords, requester, body),
    createSession: (of) => createSession(home, of),
    refresh: (refreshToken) => refreshSession(home, refreshToken),
    devices: (userId) => listDevices(home, userId),
    device: (userId, deviceId) => findDevice(home, userId, deviceId),
    putDevice: (userId, deviceId, displayName) => putDevice(home, userId, deviceId, displayName),
    ...endings(home),
  }
}

/** What was remembered of a user goes before the answer, when this process itself wrote that their sessions changed. */
function forgetting(home: Home, forget: (userId: string) => void): Home {
  const commit = (part: Part) => {
    const changed = part.log?.filter(({ kind }) => kind === 'session')
    if (!changed?.length) return home.database.commit(part)
    return home.database.commit({ ...part, applied: () => changed.forEach(({ key }) => void forget(key)) })
  }
  return { ...home, database: { ...home.database, commit } }
}

function endings(home: Home): Pick<People, 'endSession' | 'endAllSessions' | 'removeDevices' | 'onDeviceRemoved'> {
  const forgets: ForgetDevice[] = []
  async function end(userId: UserId, deviceIds: readonly DeviceId[], writes: readonly Write[]): Promise<void> {
    const change = deviceIds.length === 0 ? undefined : deviceListChange(userId, 1)
    await home.database.commit({
      writes: [...writes, ...removingDevices(userId, deviceIds), ...(change ? [change.write] : [])],
      log: [{ kind: 'session', key: userId }, ...(change ? [change.log] : [])],
    })
    for (const deviceId of deviceIds) for (const forget of forgets) await forget(userId, deviceId)
  }
  return {
    endSession: async ({ userId, deviceId, session, service }) => {
      if (!service) await end(userId, deviceId === undefined ? [] : [deviceId], endingSession(session))
    },
    endAllSessions: async (userId) => {
      const all = [deleteAccessTokensOfUser, deleteRefreshTokensOfUser, deleteSessionsOfUser].map((one) => write(one, userId))
      const deviceIds = (await listDevices(home, userId)).map(({ deviceId }) => deviceId)
      await end(userId, deviceIds, all)
    },
    removeDevices: async (userId, deviceIds) => {
      const known = new Set((await listDevices(home, userId)).map(({ deviceId }) => deviceId))
      const wanted = [...new Set(deviceIds)].filter((deviceId) => known.has(deviceId))
      if (wanted.length > 0) await end(userId, wanted, [])
    },
    onDeviceRemoved: (forget) => void forgets.push(forget),
  }
}

async function confirmByPassword(home: Home, passwords: Passwords, requester: Requester, body: JsonObject): Promise<void> {
  if (requester.service) return
  const { auth, fail } = attempt(home, body, ['m.login.password'])
  const named = namedUser(auth, home.serverName)
  const { password } = auth
  if (typeof password !== 'string') return fail('a password is needed')
  const right = await checkPassword(home, passwords, requester.userId, password)
  if (named !== requester.userId || !right) fail('that is not the password')
}

async function createSenders(home: Home, { services }: Services): Promise<void> {
  const writes = services.map(({ sender, id }) => write(insertSender, sender, id, home.clock.now()))
  if (writes.length > 0) await home.database.commit({ writes })
}
