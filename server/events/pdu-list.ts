import type { JsonObject } from '../core/json.ts'
import type { Home } from '../home.ts'

const [comma, end] = [Buffer.from(','), Buffer.from(']}')]

/** An object as JSON text, with PDUs (JSON text each) as a list under one more key. */
export function withPdus(fields: JsonObject, key: string, pdus: readonly Uint8Array[]): Uint8Array {
  const before = Object.entries(fields).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)},`)
  const parts: Uint8Array[] = [Buffer.from(`{${before.join('')}${JSON.stringify(key)}:[`)]
  for (const [place, pdu] of pdus.entries()) {
    if (place > 0) parts.push(comma)
    parts.push(pdu)
  }
  parts.push(end)
  return Buffer.concat(parts)
}

/** PDUs as a transaction that answers a question. https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1eventeventid */
export function transactionOf({ serverName, clock }: Pick<Home, 'serverName' | 'clock'>, pdus: readonly Uint8Array[]): Uint8Array {
  return withPdus({ origin: serverName, origin_server_ts: clock.now() }, 'pdus', pdus)
}
