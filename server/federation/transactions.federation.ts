import { hash } from 'node:crypto'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { TakeTransaction } from './incoming.ts'

/** Fifty of the largest PDUs and EDUs of what a device can send fit in. */
const largestBody = 12_500_000

/** https://spec.matrix.org/v1.19/server-server-api/#transactions */
export function transactionsEndpoint(take: TakeTransaction): Endpoint {
  return endpoint({
    method: 'PUT',
    path: '/_matrix/federation/v1/send/{txnId}',
    operationId: 'sendTransaction',
    auth: 'x-matrix',
    body: 'json',
    limit: largestBody,
    handle: async ({ origin, params, body }) => ({ body: await take(origin, keyOf(params['txnId'] ?? ''), body) }),
  })
}

/** What a long id is kept under: how long one may be, nothing says. */
function keyOf(transactionId: string): string {
  return transactionId.length <= 128 ? transactionId : hash('sha256', transactionId)
}
