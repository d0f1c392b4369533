import type { RoomId, UserId } from '../core/ids.ts'
import type { Slice, Tools } from '../slice.ts'
import { write } from '../storage/database.ts'
import { reportEndpoints } from './report-content.client.ts'
import { deleteReportsIn, deleteReportsOf } from './reports.store.ts'

/** What users tell the operator of rooms, events and users. https://spec.matrix.org/v1.19/client-server-api/#reporting-content */
export function moderation(tools: Tools): Slice {
  const { home } = tools
  return {
    name: 'moderation',
    endpoints: reportEndpoints(tools),
    forget: {
      user: async (userId: UserId) => {
        await home.database.commit({ writes: [write(deleteReportsOf, userId)] })
      },
      room: async (roomId: RoomId) => {
        await home.database.commit({ writes: [write(deleteReportsIn, roomId)] })
      },
    },
  }
}
