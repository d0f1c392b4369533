import type { Slice, Tools } from '../slice.ts'
import { activityReader } from './activity.reader.ts'
import { presenceEndpoints } from './presence.client.ts'
import { presenceBroadcast, presenceReceiver } from './presence.edu.ts'
import { presenceSection } from './presence.sync.ts'
import { createPresences } from './presence.ts'

/** Who is online; where it is switched off, everybody is offline. https://spec.matrix.org/v1.19/client-server-api/#presence */
export function presence({ home, graph }: Tools): Slice {
  if (!home.config.presence.enabled) return { name: 'presence', endpoints: presenceEndpoints({ home, graph }, undefined) }
  const presences = createPresences(home)
  return {
    name: 'presence',
    endpoints: presenceEndpoints({ home, graph }, presences),
    sections: [presenceSection(home, graph, presences)],
    edus: [presenceReceiver({ home, graph }, presences)],
    broadcasts: [presenceBroadcast({ home, graph }, presences)],
    readers: [{ name: 'presence', start: presences.start, stop: presences.stop }, activityReader(home, graph, presences)],
  }
}
