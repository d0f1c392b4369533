import type { Home } from '../home.ts'
import { type Lease, type LeaseStatements, type LeaseTiming, takeLease as take } from '../storage/lease.ts'
import { selectHeld, selectReader, selectUnmoved, updateBeat, updateHolder, updateReleased } from './appservice.store.ts'

const rows: LeaseStatements = {
  select: selectReader,
  unmoved: selectUnmoved,
  held: selectHeld,
  take: updateHolder,
  beat: updateBeat,
  release: updateReleased,
}

/** Waits until this process may send to a service; undefined when `stop` came first. */
export function takeLease(
  tools: Pick<Home, 'database' | 'clock' | 'random' | 'log'>,
  serviceId: string,
  stop: AbortSignal,
  timing?: LeaseTiming,
): Promise<Lease | undefined> {
  return take(tools, { name: serviceId, rows }, stop, timing)
}
