import type { Slice, Tools } from '../slice.ts'
import { typingEndpoint } from './typing.client.ts'
import { typingSection } from './typing.sync.ts'
import { createTyping } from './typing.ts'

/** Who is typing. https://spec.matrix.org/v1.19/client-server-api/#typing-notifications */
export function typing({ home, graph }: Tools): Slice {
  const state = createTyping(home)
  return {
    name: 'typing',
    endpoints: [typingEndpoint({ graph }, state)],
    sections: [typingSection(home)],
    readers: [{ name: 'typing', start: state.start, stop: state.stop }],
  }
}
