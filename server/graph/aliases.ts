import type { RoomAlias, RoomId, UserId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import { guard, type LogRow, write } from '../storage/database.ts'
import { deleteAlias, insertAlias, selectAlias, selectAliasesOf, updateAliasRoom } from './aliases.store.ts'
import type { Graph } from './graph.ts'

/** The aliases that this server gives to rooms. */
export function createAliases({
  database,
}: Pick<Home, 'database'>): Pick<Graph, 'aliasTarget' | 'aliasesOf' | 'moveAliases' | 'claimAlias' | 'removeAlias' | 'aliasCreator'> {
  return {
    aliasTarget: async (alias) => (await database.selectOne(selectAlias, alias))?.room_id as RoomId | undefined,
    aliasCreator: async (alias) => (await database.selectOne(selectAlias, alias))?.creator as UserId | undefined,
    aliasesOf: async (roomId) => (await database.select(selectAliasesOf, roomId)).map((row) => row.alias as RoomAlias),
    claimAlias: (alias, roomId, creator) => ({
      guards: [guard('alias', 'no row', selectAlias, alias)],
      writes: [write(insertAlias, alias, roomId, creator)],
      log: [aliasRow(alias)],
    }),
    moveAliases: (from, aliases, to) => ({
      writes: aliases.map((alias) => write(updateAliasRoom, to, alias, from)),
      log: aliases.map(aliasRow),
    }),
    removeAlias: async (alias) => {
      const outcome = await database.commit({
        guards: [guard('alias', 'row', selectAlias, alias)],
        writes: [write(deleteAlias, alias)],
        log: [aliasRow(alias)],
      })
      return outcome.ok
    },
  }
}

/** The row of the log that says that an alias came or went. */
function aliasRow(alias: RoomAlias): LogRow {
  return { kind: 'alias', key: alias }
}
