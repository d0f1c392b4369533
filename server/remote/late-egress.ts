import { readFileSync } from 'node:fs'
import type { createEgress, Egress } from './egress.ts'

/**
 * The way out, opened with the first request: a start need not wait for a client that may not be used for hours. A certificate file that
 * cannot be read is told at once.
 */
export function openEgressLate(options: Parameters<typeof createEgress>[0]): Egress {
  if (options.caFile !== undefined) readFileSync(options.caFile)
  let opened: Promise<Egress> | undefined
  const open = () => {
    opened ??= import('./egress.ts').then((module) => module.createEgress(options))
    return opened
  }
  return {
    request: async (of) => (await open()).request(of),
    stream: async (of) => (await open()).stream(of),
    fetchJson: async (of) => (await open()).fetchJson(of),
    close: async () => (await opened)?.close(),
  }
}
