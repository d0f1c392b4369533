import type { Slice, Tools } from '../slice.ts'
import { write } from '../storage/database.ts'
import { deleteNoticeRoom } from './notice-rooms.store.ts'
import { sendServerNotice } from './send-server-notice.admin.ts'

/** Messages from the server to its users. https://spec.matrix.org/v1.19/client-server-api/#server-notices */
export function serverNotices(tools: Tools): Slice {
  return {
    name: 'server notices',
    endpoints: sendServerNotice(tools),
    forget: {
      user: async (userId) => {
        await tools.home.database.commit({ writes: [write(deleteNoticeRoom, userId)] })
      },
    },
  }
}
