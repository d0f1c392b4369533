import type { AppService } from '../http/endpoint.ts'
import type { Reader, Section, Tools } from '../slice.ts'
import type { LeaseTiming } from '../storage/lease.ts'
import { createDelivery, type Delivery } from './delivery.ts'
import { createInterests } from './interests.ts'

/** Tells every application service that has a URL what concerns it. */
export function appserviceReader(tools: Tools, sections: () => readonly Section[], timing?: LeaseTiming): Reader {
  let deliveries: readonly Delivery[] = []
  let unfollow = () => {}

  async function start(): Promise<void> {
    const { home, people } = tools
    const services = people.services.filter(({ url }) => url !== null)
    if (services.length === 0) return
    const interests = createInterests(tools)
    const needs = { ...tools, interests, sections: sections(), timing }
    deliveries = services.map((service) => createDelivery(needs, service))
    for (const delivery of deliveries) gauge(tools, delivery)
    unfollow = home.notifier.onAdvance((position, rows) => {
      const before = rows[0]!.position - 1
      const concerned = interests.follow(rows)
      for (const delivery of deliveries) delivery.moved(before, position, concerned.has(delivery.service.id))
      for (const { kind, key } of rows) if (kind === 'appservice') retry(key)
    })
    people.onServiceSeen(({ id }) => retry(id, true))
    await Promise.all(deliveries.map((delivery) => delivery.start()))
  }

  function retry(id: string, afterDown?: boolean): void {
    for (const delivery of deliveries) if (delivery.service.id === id) delivery.retry(afterDown)
  }

  return {
    name: 'application services',
    start,
    stop: async () => {
      unfollow()
      await Promise.all(deliveries.map((delivery) => delivery.stop()))
    },
  }
}

function gauge({ home }: Tools, { service, lag, late, waiting }: Delivery): void {
  const labels = { service_id: service.id }
  home.metrics.gauge('tombolo_appservice_lag_positions', 'How far an application service is behind.', lag, labels)
  home.metrics.gauge('tombolo_appservice_lag_seconds', 'How old the first of what it was not told is.', () => late() / 1000, labels)
  home.metrics.gauge('tombolo_appservice_waiting_seconds', 'How long a transaction has been on its way.', () => waiting() / 1000, labels)
}

/** The row of the log that says that a service is there: whichever process tells it tries again at once. */
export function presentRow({ id }: AppService): { kind: 'appservice'; key: string } {
  return { kind: 'appservice', key: id }
}
