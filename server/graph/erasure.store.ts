import type { UserId } from '../core/ids.ts'
import { statement } from '../storage/database.ts'

export const selectErasedUsers = statement<[], { user_id: UserId }>('SELECT user_id FROM erased_users')
export const insertErasedUser = statement<[UserId]>('INSERT INTO erased_users (user_id) VALUES (?) ON CONFLICT (user_id) DO NOTHING')
