import type { UserId } from '../core/ids.ts'
import type { Slice, Tools } from '../slice.ts'
import { write } from '../storage/database.ts'
import { mutualRooms } from './mutual-rooms.client.ts'
import { createDirectoryFollower } from './user-directory.reader.ts'
import { deleteUser, deleteWords } from './user-directory.store.ts'
import { usersEndpoint } from './users.client.ts'

/** Finding people, and what one has in common with them. https://spec.matrix.org/v1.19/client-server-api/#user-directory */
export function userDirectory(tools: Tools): Slice {
  const follower = createDirectoryFollower(tools)
  return {
    name: 'user-directory',
    endpoints: [usersEndpoint(tools, follower), ...mutualRooms(tools)],
    readers: [{ name: 'user directory', start: follower.start, stop: follower.stop }],
    forget: {
      user: async (userId: UserId) => {
        await tools.home.database.commit({ writes: [write(deleteUser, userId), write(deleteWords, userId)] })
      },
    },
  }
}
