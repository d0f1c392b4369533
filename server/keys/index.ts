import { crossSigning, deviceListChange, deviceListChanges } from '../people/device-changes.ts'
import type { Slice, Tools } from '../slice.ts'
import { write } from '../storage/database.ts'
import { crossSigningEndpoints } from './cross-signing.client.ts'
import { deleteCrossSigningKeysOfUser, deleteSignaturesBy, deleteSignaturesOfUser, deleteSignaturesOn } from './cross-signing.store.ts'
import { dehydratedDevice } from './dehydrated-device.client.ts'
import { deviceUpdates } from './device-updates.ts'
import { keyCounts } from './key-counts.ts'
import { keysEndpoints } from './keys.client.ts'
import { deleteDeviceKeys, deleteFallbackKeys, deleteOneTimeKeys } from './keys.store.ts'
import { keySection } from './keys.sync.ts'
import { knownKeys } from './known-keys.ts'
import { createAskServer } from './remote/ask-server.ts'
import { deviceListReceivers } from './remote/device-list.edu.ts'
import { createRemoteLists } from './remote/remote-lists.ts'
import { resyncReader } from './remote/resync.reader.ts'
import { userDevices } from './user-devices.federation.ts'
import { userKeys } from './user-keys.federation.ts'

/** Keys for end-to-end encryption. https://spec.matrix.org/v1.19/client-server-api/#end-to-end-encryption */
export function keys({ home, people, graph }: Tools): Slice {
  const counts = keyCounts(home)
  const known = knownKeys({ home, people })
  const askServer = createAskServer(home)
  const lists = createRemoteLists({ home, graph, askServer })
  return {
    name: 'keys',
    endpoints: [
      ...keysEndpoints({ home, graph }, { counts, known, lists, askServer }),
      ...userKeys({ home }, known),
      ...userDevices({ home, people }),
      ...crossSigningEndpoints({ home, people, graph }),
      ...dehydratedDevice({ home, people, graph }),
    ],
    sections: [keySection({ home, people, counts })],
    edus: deviceListReceivers({ home, lists, askServer }),
    broadcasts: [deviceUpdates({ home, people, graph })],
    readers: [resyncReader({ home, lists })],
    heardFrom: askServer.isBack,
    forget: {
      user: async (userId) => {
        const change = deviceListChanges(userId, 0, [crossSigning])
        const all = [write(deleteCrossSigningKeysOfUser, userId), write(deleteSignaturesOfUser, userId, userId)]
        await home.database.commit({ writes: [...all, ...change.writes], log: change.log })
      },
      device: async (userId, deviceId) => {
        const all = [deleteDeviceKeys, deleteOneTimeKeys, deleteFallbackKeys, deleteSignaturesOn].map((one) => write(one, userId, deviceId))
        const signed = write(deleteSignaturesBy, userId, `ed25519:${deviceId}`)
        // The device's signature on the master key is gone as well.
        const change = deviceListChange(userId, 1)
        await home.database.commit({ writes: [...all, signed, change.write], log: [{ kind: 'one_time_keys', key: userId }, change.log] })
      },
    },
  }
}
