import type { Slice, Tools } from '../slice.ts'
import { readMarkersEndpoint } from './read-markers.client.ts'
import { receiptEndpoint } from './receipts.client.ts'
import { receiptBroadcast, receiptReceiver } from './receipts.edu.ts'
import { receiptSection } from './receipts.sync.ts'

/** Who has read what. https://spec.matrix.org/v1.19/client-server-api/#receipts */
export function receipts({ home, graph }: Tools): Slice {
  return {
    name: 'receipts',
    endpoints: [receiptEndpoint({ home, graph }), readMarkersEndpoint({ home, graph })],
    sections: [receiptSection(home)],
    edus: [receiptReceiver({ home, graph })],
    broadcasts: [receiptBroadcast({ home, graph })],
  }
}
