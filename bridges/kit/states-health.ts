import type { Express } from 'express'
import type { Kit } from './kit.ts'
import { countAside } from './store/inbox.store.ts'
import { selectLogins } from './store/logins.store.ts'
import { countOpen } from './store/spokes.store.ts'

export type Progress = 'starting' | 'running' | 'stopping'

/** How the bridge does, without names, ids of the network, tokens or texts. */
export function readHealth({ store, connector }: Pick<Kit, 'store' | 'connector'>, progress: Progress) {
  const logins = selectLogins(store)
  const counts = countOpen(store)
  const sum = (unknown: boolean) =>
    counts.filter(({ state }) => (state === 'unknown') === unknown).reduce((all, { count }) => all + count, 0)
  return {
    network: connector.info.network,
    state: progress,
    ok: progress === 'running' && logins.every(({ state }) => state === 'connected' || state === 'logged_out'),
    logins: logins.map(({ login, state, class: reason, words, since, until }) => ({
      login,
      state,
      since,
      ...(state !== 'connected' && reason !== null ? { reason } : {}),
      ...(state !== 'connected' && words !== null ? { words } : {}),
      ...(until === null ? {} : { until }),
    })),
    queued: sum(false),
    unknown: sum(true),
    setAside: countAside(store),
  }
}

/** `GET /health` for whoever watches the process: always 200 while it lives; what is wrong stands in the answer. */
export function mountHealth(app: Express, kit: Pick<Kit, 'store' | 'connector'>, progress: () => Progress): void {
  app.get('/health', (_, response) => {
    response.set('cache-control', 'no-store').json(readHealth(kit, progress()))
  })
}
