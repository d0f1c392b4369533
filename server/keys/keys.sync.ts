import type { DeviceId, UserId } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { Home } from '../home.ts'
import type { AppService } from '../http/endpoint.ts'
import type { People } from '../people/people.ts'
import type { Between, Piece, Section } from '../slice.ts'
import type { KeyCounts } from './key-counts.ts'
import { selectDeviceKeysOfUsers } from './keys.store.ts'

type Tools = {
  readonly home: Pick<Home, 'database' | 'notifier'>
  readonly people: Pick<People, 'servicesOf'>
  readonly counts: (userId: UserId, deviceId: DeviceId) => Promise<KeyCounts>
}

const mostRows = 100_000

/** Key counts: of the asking device always, of an application service's users when they changed. */
export function keySection(tools: Tools): Section {
  return {
    name: 'one-time keys',
    kinds: ['one_time_keys'],
    always: 'answer',
    between: ({ audience, ...between }) =>
      audience.kind === 'device'
        ? countsOfDevice(tools, audience.userId, audience.deviceId)
        : countsOfService(tools, audience.service, between),
  }
}

/** https://spec.matrix.org/v1.19/client-server-api/#e2e-extensions-to-sync */
async function countsOfDevice({ counts }: Tools, userId: UserId, deviceId: DeviceId | undefined): Promise<Piece | undefined> {
  if (deviceId === undefined) return undefined
  const known = await counts(userId, deviceId)
  return { oneTimeKeyCounts: known.counts, unusedFallbackKeyTypes: [...known.unusedFallbackTypes] }
}

/** By user and device, as MSC3202 has it. */
async function countsOfService(
  { home, people, counts }: Tools,
  service: AppService,
  { rows, after, upTo }: Pick<Between, 'rows' | 'after' | 'upTo'>,
): Promise<Piece | undefined> {
  const logged = rows ?? (await home.notifier.rows(after, upTo, mostRows))
  const touched = new Set(logged.filter(({ kind }) => kind === 'one_time_keys').map(({ key }) => key as UserId))
  const users = [...touched].filter((userId) => people.servicesOf(userId).some(({ id }) => id === service.id))
  if (users.length === 0) return undefined
  const oneTimeKeyCounts: Record<string, Record<string, Json>> = {}
  const unusedFallbackKeyTypes: Record<string, Record<string, Json>> = {}
  for (const { user_id, device_id } of await home.database.select(selectDeviceKeysOfUsers, users)) {
    const known = await counts(user_id as UserId, device_id)
    oneTimeKeyCounts[user_id] = { ...oneTimeKeyCounts[user_id], [device_id]: known.counts }
    unusedFallbackKeyTypes[user_id] = { ...unusedFallbackKeyTypes[user_id], [device_id]: known.unusedFallbackTypes }
  }
  return { oneTimeKeyCounts, unusedFallbackKeyTypes: unusedFallbackKeyTypes satisfies JsonObject }
}
