import type { Slice, Tools } from '../slice.ts'
import { typingEndpoint } from './typing.client.ts'
import { typingBroadcast, typingReceiver } from './typing.edu.ts'
import { typingSection } from './typing.sync.ts'
import { createTyping } from './typing.ts'

/** Who is typing. https://spec.matrix.org/v1.19/client-server-api/#typing-notifications */
export function typing({ home, graph }: Tools): Slice {
  const state = createTyping(home)
  return {
    name: 'typing',
    endpoints: [typingEndpoint({ graph }, state)],
    sections: [typingSection(home)],
    edus: [typingReceiver({ graph }, state)],
    broadcasts: [typingBroadcast({ home, graph })],
    readers: [{ name: 'typing', start: state.start, stop: state.stop }],
  }
}
