import type { UserId } from '../core/ids.ts'
import type { Json } from '../core/json.ts'
import { parseKept } from '../core/lossless-json.ts'
import type { Home } from '../home.ts'
import { write } from '../storage/database.ts'
import type { People } from './people.ts'
import { deleteProfileField, selectProfile, upsertProfileField } from './profiles.store.ts'

type Tools = Pick<Home, 'database'>

/** All fields of a user's profile; `{}` for whoever has none. */
export async function readProfile({ database }: Tools, userId: UserId): Promise<Awaited<ReturnType<People['profile']>>> {
  const rows = await database.select(selectProfile, userId)
  return Object.fromEntries(rows.map(({ key_name, value }): [string, Json] => [key_name, parseKept(value)]))
}

/** Sets a field of a user's profile, or deletes it. */
export async function setProfileField({ database }: Tools, userId: UserId, field: string, value: Json | undefined): Promise<void> {
  const change =
    value === undefined ? write(deleteProfileField, userId, field) : write(upsertProfileField, userId, field, JSON.stringify(value))
  await database.commit({ writes: [change] })
}
