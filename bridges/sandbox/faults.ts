import type { Network } from './accounts.ts'
import type { ErrorSpec } from './graph-error.ts'

/** What can go wrong with a call to the API, before it took effect or after. */
export const faultKinds = [
  'cut',
  'hang',
  'gateway',
  'broken',
  'huge',
  'error',
  'fail_later',
  'rate_limit',
  'revoke',
  'expire',
  'corrupt',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** Which calls a fault hits: sends, uploads of files, or downloads from the addresses of files. */
export const faultPlaces = ['send', 'upload', 'download'] as const
export type FaultPlace = (typeof faultPlaces)[number]

export interface Fault {
  /**
   * `cut`: the socket is destroyed; `hang`: no answer comes; `gateway`: 502 with a page of HTML; `broken`: half of the JSON; `huge`: an endless answer;
   * `error`: the given error; `fail_later`: accepted, then the status webhook says failed with the given error (WhatsApp);
   * `rate_limit`: the network's error of a rate; `revoke`: the token is revoked with this call; `expire`: the address or token has expired;
   * `corrupt`: other bytes than those of the file (downloads). A cut upload is cut in the middle of its body, a cut download after half of it.
   */
  kind: FaultKind
  at: FaultPlace
  /** Whether the message reaches the person all the same. */
  when: 'before' | 'after'
  /** How many sends it hits. */
  times: number
  error: ErrorSpec
}

export interface Faults {
  add(network: Network, fault: Fault): void
  /** The fault for this call, if one waits; faults that only show later are left. */
  take(network: Network, at: FaultPlace): Fault | undefined
  takeLater(network: Network): ErrorSpec | undefined
  clear(): void
}

export function createFaults(): Faults {
  const waiting = new Map<Network, Fault[]>()
  const takeWhere = (network: Network, matches: (fault: Fault) => boolean) => {
    const faults = waiting.get(network) ?? []
    const fault = faults.find(matches)
    if (fault && --fault.times <= 0) faults.splice(faults.indexOf(fault), 1)
    return fault
  }
  return {
    add: (network, fault) => void waiting.set(network, [...(waiting.get(network) ?? []), { ...fault }]),
    take: (network, place) => takeWhere(network, ({ kind, at }) => at === place && kind !== 'fail_later'),
    takeLater: (network) => takeWhere(network, ({ kind }) => kind === 'fail_later')?.error,
    clear: () => waiting.clear(),
  }
}
