import type { DeviceId, UserId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import { type Part, type Write, write } from '../storage/database.ts'
import { insertSender, selectGoing } from './accounts.store.ts'
import { checkPassword, createAccount, findAccount } from './accounts.ts'
import { createServiceQueries } from './appservice-queries.ts'
import { deviceListChanges } from './device-changes.ts'
import { findDehydratedDevice, findDevice, listDevices, listDevicesOf, putDevice, removingDevices, setDehydratedDevice } from './devices.ts'
import { confirmByPassword } from './interaction/confirm.ts'
import { interact, keepStage } from './interaction/interaction.ts'
import { readSession } from './interaction/interaction-session.ts'
import { limitLogins } from './login-limits.ts'
import { createPasswords } from './passwords.ts'
import type { People } from './people.ts'
import { readProfile, setProfileField } from './profiles.ts'
import { createPushReaders } from './push-readers.ts'
import { readRegistrations } from './registrations.ts'
import { createRequesters } from './requesters.ts'
import { createServices, type Services } from './services.ts'
import { deleteAccessTokensOfUser, deleteRefreshTokensOfUser, deleteSessionsOfUser } from './sessions.store.ts'
import { createSession, endingSession, refreshSession } from './sessions.ts'
import { createStanding } from './standing.ts'

type ForgetDevice = (userId: UserId, deviceId: DeviceId) => Promise<void>
type ForgetUser = (userId: UserId) => Promise<void>

/** Reads the application services' registrations and makes their senders' accounts; throws in words for the operator when one cannot be used. */
export async function createPeople(bare: Home): Promise<People> {
  const services = createServices(readRegistrations(bare.config.appservice_files, bare.serverName))
  const home = forgetting(bare, (userId) => requesters.forget(userId))
  const requesters = createRequesters(home, services)
  bare.notifier.beforeAdvance((rows) => {
    for (const { kind, key } of rows) if (kind === 'session') requesters.forget(key)
  })
  const forgets: { devices: ForgetDevice[]; users: ForgetUser[] } = { devices: [], users: [] }
  const passwords = createPasswords(home.config.password_hashing)
  const limited = limitLogins(home, (userId, password) => checkPassword(home, passwords, userId, password))
  await createSenders(home, services)
  return {
    ...services,
    authenticate: requesters.authenticate,
    onServiceSeen: requesters.onServiceSeen,
    ...createServiceQueries(home, services.services, (userId) => findAccount(home, userId)),
    pushReader: createPushReaders(bare),
    account: (userId) => findAccount(home, userId),
    createAccount: (of) => createAccount(home, passwords, of),
    profile: (userId) => readProfile(home, userId),
    setProfileField: (userId, field, value) => setProfileField(home, userId, field, value),
    checkPassword: (userId, password) => limited.checkPassword(userId, password),
    countLogin: limited.countLogin,
    confirmByPassword: (call) => confirmByPassword(home, limited.checkPassword, call),
    interact: (operation, flows) => interact(home, operation, flows),
    interaction: (sessionId) => readSession(home, sessionId),
    completeStage: (session, type, detail, body) => keepStage(home, session, type, detail, body),
    createSession: (of) => createSession(home, of),
    refresh: (refreshToken) => refreshSession(home, refreshToken),
    devices: (userId) => listDevices(home, userId),
    devicesOf: (userIds) => listDevicesOf(home, userIds),
    device: (userId, deviceId) => findDevice(home, userId, deviceId),
    putDevice: (userId, deviceId, displayName) => putDevice(home, userId, deviceId, displayName),
    dehydratedDevice: (userId) => findDehydratedDevice(home, userId),
    setDehydratedDevice: (userId, deviceId, data) => setDehydratedDevice(home, userId, deviceId, data),
    ...endings(home, forgets.devices),
    ...createStanding(home, passwords, forgets),
    deactivating: async () => (await home.database.select(selectGoing)).map((row) => row.user_id),
    onDeviceRemoved: (forget) => void forgets.devices.push(forget),
    onUserRemoved: (forget) => void forgets.users.push(forget),
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

function endings(home: Home, forgets: readonly ForgetDevice[]): Pick<People, 'endSession' | 'endAllSessions' | 'removeDevices'> {
  async function end(userId: UserId, deviceIds: readonly DeviceId[], writes: readonly Write[]): Promise<void> {
    const change = deviceListChanges(userId, 1, deviceIds)
    await home.database.commit({
      writes: [...writes, ...removingDevices(userId, deviceIds), ...change.writes],
      log: [{ kind: 'session', key: userId }, ...change.log],
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
  }
}

async function createSenders(home: Home, { services }: Services): Promise<void> {
  const writes = services.map(({ sender, id }) => write(insertSender, sender, id, home.clock.now()))
  if (writes.length > 0) await home.database.commit({ writes })
}
