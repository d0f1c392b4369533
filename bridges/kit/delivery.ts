/** How far an event got on its way to one chat. The first five are ours, the next four the network's, the last five ends. */
export const deliveryStates = [
  'accepted',
  'decrypted',
  'queued',
  'submitting',
  'unknown',
  'submitted',
  'sent',
  'failed',
  'delivered',
  'read',
  'expired',
  'unsupported',
  'cancelled',
] as const
export type Delivery = (typeof deliveryStates)[number]

const rank: Readonly<Record<Delivery, number>> = {
  accepted: 0,
  decrypted: 1,
  queued: 2,
  submitting: 3,
  unknown: 4,
  submitted: 5,
  sent: 6,
  failed: 7,
  delivered: 8,
  read: 9,
  expired: 10,
  unsupported: 10,
  cancelled: 10,
}

/**
 * The state after news: it only moves forward. A network may fail what it had called sent, never what was delivered; and proof of delivery wins over
 * a failure that came before it.
 */
export function mergeDelivery(current: Delivery, news: Delivery): Delivery {
  return rank[news] > rank[current] ? news : current
}

/** The state of a whole message from those of its parts: the worst that happened to one, else the least advanced. */
export function wholeDelivery(parts: readonly Delivery[]): Delivery {
  const worst = (['unsupported', 'expired', 'cancelled', 'failed', 'unknown'] as const).find((state) => parts.includes(state))
  return worst ?? [...parts].sort((a, b) => rank[a] - rank[b])[0] ?? 'accepted'
}
