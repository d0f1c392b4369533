import type { Network } from './accounts.ts'
import type { ErrorSpec } from './graph-error.ts'

/** What can go wrong with a send to the API, before it took effect or after. */
export type FaultKind = 'cut' | 'hang' | 'gateway' | 'broken' | 'huge' | 'error' | 'fail_later'

export const faultKinds: readonly FaultKind[] = ['cut', 'hang', 'gateway', 'broken', 'huge', 'error', 'fail_later']

export interface Fault {
  /**
   * `cut`: the socket is destroyed; `hang`: no answer comes; `gateway`: 502 with a page of HTML; `broken`: half of the JSON; `huge`: an endless answer;
   * `error`: the given error; `fail_later`: accepted, then the status webhook says failed with the given error (WhatsApp).
   */
  kind: FaultKind
  /** Whether the message reaches the person all the same. */
  when: 'before' | 'after'
  /** How many sends it hits. */
  times: number
  error: ErrorSpec
}

export interface Faults {
  add(network: Network, fault: Fault): void
  /** The fault for this send, if one waits; faults that only show later are left. */
  take(network: Network): Fault | undefined
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
    take: (network) => takeWhere(network, ({ kind }) => kind !== 'fail_later'),
    takeLater: (network) => takeWhere(network, ({ kind }) => kind === 'fail_later')?.error,
    clear: () => waiting.clear(),
  }
}
