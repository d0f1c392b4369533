import type { RoomId, UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Home } from '../home.ts'
import { type AccountData, accountDataBetween, accountDataOfRooms } from '../people/account-data.ts'
import { pushRulesContent, pushRulesOf, pushRulesType } from '../people/push-rules.ts'
import type { Piece, Section } from '../slice.ts'

/** What of a user's account data was set; all of it, push rules first, when there is nothing before. */
export function accountDataSection({ database }: Pick<Home, 'database'>): Section {
  return {
    name: 'account data',
    kinds: ['account_data', 'membership'],
    between: async ({ audience, after, upTo, rooms, newRooms }) => {
      if (audience.kind !== 'device') return undefined
      const { userId } = audience
      if (after === 0) return pieceOf(userId, await accountDataOfRooms(database, userId, ['', ...rooms], upTo), true)
      const set = await accountDataBetween(database, userId, after, upTo)
      const ofNewRooms = newRooms.size > 0 ? await accountDataOfRooms(database, userId, [...newRooms], after) : []
      return pieceOf(userId, [...set, ...ofNewRooms], false)
    },
  }
}

function pieceOf(userId: UserId, data: readonly AccountData[], first: boolean): Piece | undefined {
  const accountData: JsonObject[] = []
  const rooms = new Map<RoomId, { accountData: JsonObject[] }>()
  if (first && !data.some(({ type, roomId }) => type === pushRulesType && roomId === undefined)) {
    accountData.push({ type: pushRulesType, content: pushRulesContent(pushRulesOf(userId, undefined)) })
  }
  for (const { roomId, type, content } of data) {
    if (roomId === undefined) {
      accountData.push({ type, content: type === pushRulesType ? pushRulesContent(pushRulesOf(userId, content)) : content })
    } else {
      const room = rooms.get(roomId) ?? { accountData: [] }
      room.accountData.push({ type, content })
      rooms.set(roomId, room)
    }
  }
  return accountData.length + rooms.size > 0 ? { accountData, rooms } : undefined
}
