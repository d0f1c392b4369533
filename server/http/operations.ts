import { forbidden } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import type { Metrics } from './metrics.ts'

/** For those who keep the server running: whether it answers, and (with an administrator's token) what it counts. */
export function operatorsEndpoints({ metrics }: { metrics: Metrics }): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/health',
      operationId: 'health',
      auth: 'none',
      body: 'none',
      handle: () => ({ body: 'OK', headers: { 'Content-Type': 'text/plain; charset=utf-8' } }),
    }),
    endpoint({
      method: 'GET',
      path: '/_tombolo/metrics',
      operationId: 'metrics',
      auth: 'access_token',
      body: 'none',
      handle: ({ requester }) => {
        if (!requester.admin) throw forbidden('this is for administrators')
        return { body: metrics.text(), headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' } }
      },
    }),
  ]
}

/** What the process itself uses, under the names that dashboards look for. */
export function countProcess(metrics: Metrics, version: string): void {
  const startTime = performance.timeOrigin / 1000
  metrics.gauge('process_start_time_seconds', 'When the process started.', () => startTime)
  metrics.gauge('process_resident_memory_bytes', 'Memory in use.', () => process.memoryUsage.rss())
  metrics.gauge('process_cpu_seconds_total', 'Processor time used.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  metrics.gauge('synapse_build_info', 'Which release this is.', () => 1, {
    version: `tombolo ${version}`,
    pythonversion: '',
    osversion: '',
  })
}
