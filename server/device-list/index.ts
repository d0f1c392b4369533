import type { Slice, Tools } from '../slice.ts'
import { deviceChanges } from './device-changes.ts'
import { deviceListSection } from './device-list.sync.ts'
import { keysChangesEndpoint } from './keys-changes.client.ts'

/** Whose devices changed. https://spec.matrix.org/v1.19/client-server-api/#tracking-the-device-list-for-a-user */
export function deviceList({ home, graph }: Tools): Slice {
  const changes = deviceChanges({ home, graph })
  return {
    name: 'device list',
    endpoints: [keysChangesEndpoint({ home, graph }, changes)],
    sections: [deviceListSection(changes, home.notifier)],
  }
}
