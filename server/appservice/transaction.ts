import type { UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { AppService } from '../http/endpoint.ts'

/** What one transaction tells. */
export type Contents = {
  /** Events in the client-server format, as JSON text. */
  readonly events: readonly string[]
  readonly ephemeral: readonly JsonObject[]
  readonly toDevice: readonly JsonObject[]
  readonly deviceLists: { readonly changed: readonly UserId[]; readonly left: readonly UserId[] } | undefined
  /** By user and device. */
  readonly oneTimeKeyCounts: JsonObject | undefined
  readonly unusedFallbackKeyTypes: JsonObject | undefined
}

/** The most of each in one transaction. */
export const most = { events: 100, ephemeral: 100, toDevice: 100, eventBytes: 900_000 }

/**
 * A transaction's body, what is not stable under the names that services in use read, too; undefined when there is nothing to tell this service.
 * https://spec.matrix.org/v1.19/application-service-api/#put_matrixappv1transactionstxnid (MSC2409, MSC3202, MSC4203)
 */
export function transactionText(of: Contents, service: Pick<AppService, 'receiveEphemeral' | 'receiveDevices'>): string | undefined {
  const parts: string[] = []
  const add = (value: unknown, ...names: readonly string[]) => {
    const text = JSON.stringify(value)
    for (const name of names) parts.push(`"${name}":${text}`)
  }
  if (service.receiveEphemeral && of.ephemeral.length > 0) add(of.ephemeral, 'ephemeral', 'de.sorunome.msc2409.ephemeral')
  if (of.toDevice.length > 0) add(of.toDevice, 'to_device', 'de.sorunome.msc2409.to_device')
  if (service.receiveDevices) {
    if (of.deviceLists !== undefined) add(of.deviceLists, 'device_lists', 'org.matrix.msc3202.device_lists')
    if (of.oneTimeKeyCounts !== undefined) {
      const [stable, older] = ['org.matrix.msc3202.device_one_time_keys_count', 'org.matrix.msc3202.device_one_time_key_counts']
      add(of.oneTimeKeyCounts, 'device_one_time_keys_count', stable, older)
    }
    if (of.unusedFallbackKeyTypes !== undefined) {
      add(of.unusedFallbackKeyTypes, 'device_unused_fallback_key_types', 'org.matrix.msc3202.device_unused_fallback_key_types')
    }
  }
  if (of.events.length === 0 && parts.length === 0) return undefined
  return `{${[`"events":[${of.events.join(',')}]`, ...parts].join(',')}}`
}

/** How many of these texts fit into one transaction: not more bytes than services are ready to take, but at least one. */
export function countFitting(texts: readonly string[]): number {
  let bytes = 0
  let count = 0
  for (const text of texts) {
    bytes += Buffer.byteLength(text)
    if (count > 0 && (bytes > most.eventBytes || count === most.events)) break
    count++
  }
  return count
}

/** How long to wait after so many failures in a row: 2, 4, 8 … 60 s. */
export function waitAfter(failures: number): number {
  return Math.min(60, 2 ** Math.min(failures, 6)) * 1000
}
