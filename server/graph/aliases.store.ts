import { statement } from '../storage/database.ts'

export const selectAlias = statement<[alias: string], { room_id: string; creator: string }>(
  'SELECT room_id, creator FROM aliases WHERE alias = ?',
)

export const selectAliasesOf = statement<[roomId: string], { alias: string }>('SELECT alias FROM aliases WHERE room_id = ? ORDER BY alias')

export const insertAlias = statement<[alias: string, roomId: string, creator: string]>(
  'INSERT INTO aliases (alias, room_id, creator) VALUES (?, ?, ?)',
)

export const deleteAlias = statement<[alias: string]>('DELETE FROM aliases WHERE alias = ?')

export const updateAliasRoom = statement<[to: string, alias: string, from: string]>(
  'UPDATE aliases SET room_id = ? WHERE alias = ? AND room_id = ?',
)
