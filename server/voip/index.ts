import type { Slice, Tools } from '../slice.ts'
import { rtcTransports } from './rtc-transports.client.ts'
import { turnServer } from './turn-server.client.ts'

/** What clients need for calls. https://spec.matrix.org/v1.19/client-server-api/#voice-over-ip */
export function voip({ home }: Tools): Slice {
  return { name: 'voip', endpoints: [turnServer(home), rtcTransports(home)] }
}
