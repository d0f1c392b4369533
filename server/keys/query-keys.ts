import { setImmediate } from 'node:timers/promises'
import type { DeviceId, UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Home } from '../home.ts'
import { selectSignaturesOnMasters } from './cross-signing.store.ts'
import type { KnownKeys } from './known-keys.ts'
import { devicesText, memberText, type PublicKeys, signWith } from './public-keys.ts'

/** Other work is done in between. */
const usersAtOnce = 500

type Tools = { readonly home: Pick<Home, 'database'>; readonly known: KnownKeys }

/** What is asked: for each user the devices, none for all of them. */
export type KeyQuery = ReadonlyMap<UserId, readonly DeviceId[]>

/** For whom: a user sees what only the user may see; nobody in particular is another server. `named`: with what users call their devices. */
export type Reading = { readonly reader: UserId | undefined; readonly named: boolean }

/** Members of the objects of an answer, as JSON. */
export type ToldKeys = Record<'device_keys' | 'master_keys' | 'self_signing_keys' | 'user_signing_keys', string[]>

export function nothingTold(): ToldKeys {
  return { device_keys: [], master_keys: [], self_signing_keys: [], user_signing_keys: [] }
}

/**
 * The keys of users whose keys are kept here, as a reader may see them: nearly all of it is put together from texts that are kept. Users and devices
 * that are not known are missing. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysquery
 */
export async function tellKeys({ home, known }: Tools, reading: Reading, query: KeyQuery): Promise<ToldKeys> {
  const { reader } = reading
  const users = [...query.keys()]
  const told = nothingTold()
  for (let from = 0; from < users.length; from += usersAtOnce) {
    if (from > 0) await setImmediate()
    const some = await known(users.slice(from, from + usersAtOnce))
    told.device_keys.push(...some.map((keys) => deviceMember(keys, query.get(keys.userId)!, reading.named)))
    told.master_keys.push(...(await masterMembers(home, reader, some)))
    told.self_signing_keys.push(...some.flatMap(({ crossSigning }) => crossSigning.get('self_signing') ?? []))
    told.user_signing_keys.push(...ownMember(some, reader))
  }
  return told
}

/** The JSON of an answer, with `more` members. */
export function keysText(told: Partial<ToldKeys>, more: readonly string[] = []): string {
  return `{${[...Object.entries(told).map(([name, members]) => memberText(name, `{${members.join(',')}}`)), ...more].join(',')}}`
}

function deviceMember({ userId, member, devices }: PublicKeys, wanted: readonly DeviceId[], named: boolean): string {
  if (named) return wanted.length === 0 ? member : memberText(userId, devicesText(devices, wanted))
  const unnamed = new Map([...devices].map(([deviceId, text]) => [deviceId, withoutName(text)]))
  return memberText(userId, devicesText(unnamed, wanted))
}

function withoutName(text: string): string {
  return JSON.stringify({ ...(JSON.parse(text) as JsonObject), unsigned: {} })
}

function ownMember(all: readonly PublicKeys[], reader: UserId | undefined): string[] {
  return all.flatMap(({ userId, crossSigning }) => (userId === reader ? (crossSigning.get('user_signing') ?? []) : []))
}

/** The master keys, with the signatures that the reader, and nobody else, may see: the reader's own. */
async function masterMembers(
  { database }: Pick<Home, 'database'>,
  reader: UserId | undefined,
  all: readonly PublicKeys[],
): Promise<string[]> {
  const withMaster = all.filter(({ master }) => master !== undefined)
  const others = withMaster.filter(({ userId }) => userId !== reader).map(({ userId }) => userId)
  const signatures = reader !== undefined && others.length > 0 ? await database.select(selectSignaturesOnMasters, others, reader) : []
  const byUser = Map.groupBy(signatures, ({ user_id }) => user_id)
  return withMaster.map(({ userId, master, crossSigning }) => {
    const { publicKey, key } = master!
    const signed = byUser.get(userId)
    return signed ? memberText(userId, JSON.stringify(signWith(signed)(userId, publicKey, key))) : crossSigning.get('master')!
  })
}
