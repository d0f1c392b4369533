import type { Slice, Tools } from '../slice.ts'
import { write } from '../storage/database.ts'
import { dehydratedEvents } from './dehydrated-events.client.ts'
import { outgoing } from './outgoing.ts'
import { sendToDevice } from './send-to-device.ts'
import { sendToDeviceEndpoint } from './to-device.client.ts'
import { directToDevice } from './to-device.edu.ts'
import { deleteMessagesOfDevice } from './to-device.store.ts'
import { toDeviceSection } from './to-device.sync.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging */
export function toDevice({ home, people }: Tools): Slice {
  return {
    name: 'to-device',
    endpoints: [sendToDeviceEndpoint(sendToDevice({ home, people })), ...dehydratedEvents({ home, people })],
    sections: [toDeviceSection(home)],
    edus: [directToDevice({ home, people })],
    broadcasts: [outgoing(home)],
    forget: {
      device: async (userId, deviceId) => {
        await home.database.commit({ writes: [write(deleteMessagesOfDevice, userId, deviceId)] })
      },
    },
  }
}
