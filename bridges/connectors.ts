import type { Network } from '../config/bridge-schema.ts'
import { createInstagram } from './instagram/connector.ts'
import type { NetworkConnector } from './kit/connector.ts'
import { createMessenger } from './messenger/connector.ts'
import type { GraphSettings } from './protocols/graph/settings.ts'
import { createWhatsApp } from './whatsapp/connector.ts'

/** The networks that there are bridges for. Each is deleted with its folder and its line. */
export const connectors: Readonly<Record<Network, (settings: GraphSettings) => NetworkConnector>> = {
  whatsapp: createWhatsApp,
  messenger: createMessenger,
  instagram: createInstagram,
}
