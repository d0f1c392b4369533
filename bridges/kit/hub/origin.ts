import type { NetworkKind } from '../connector.ts'
import { fitName } from '../names.ts'

/** Stands inside the encrypted content of what a bridge sends into a room, so that no bridge carries it back. */
export type Origin = {
  readonly network: NetworkKind
  /** The chat it came from, as its bridge calls it: an opaque id. */
  readonly spoke: string
  readonly name: string
  /** How many bridges it has passed. */
  readonly hop: number
  /** False for what must stay in the room. */
  readonly relay: boolean
}

export const originKey = 'org.tombolo.origin'
/** What has passed this many bridges goes no further. */
export const mostHops = 1

export function writeOrigin(origin: Origin): Record<string, unknown> {
  return { [originKey]: origin }
}

/** The mark in a content; undefined when there is none or it is malformed. Only the sender tells whether to believe its name. */
export function readOrigin(content: Readonly<Record<string, unknown>>): Origin | undefined {
  const mark = content[originKey]
  if (typeof mark !== 'object' || mark === null) return undefined
  const { network, spoke, name, hop, relay } = mark as Readonly<Record<string, unknown>>
  if (
    typeof network !== 'string' ||
    !/^[a-z]{1,32}$/.test(network) ||
    typeof spoke !== 'string' ||
    typeof hop !== 'number' ||
    !Number.isSafeInteger(hop)
  )
    return undefined
  return { network, spoke, name: (typeof name === 'string' && fitName(name)) || 'Somebody', hop, relay: relay !== false }
}
