import type { Slice, Tools } from '../slice.ts'
import { write } from '../storage/database.ts'
import { keyBackupEndpoints } from './key-backup.client.ts'
import { deleteBackupsOfUser, deleteKeysOfUser } from './key-backup.store.ts'

/** Room keys, encrypted by their owner and kept for new devices. https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups */
export function keyBackup({ home }: Tools): Slice {
  return {
    name: 'key backup',
    endpoints: keyBackupEndpoints(home),
    forget: {
      user: async (userId) => {
        await home.database.commit({ writes: [write(deleteKeysOfUser, userId), write(deleteBackupsOfUser, userId)] })
      },
    },
  }
}
