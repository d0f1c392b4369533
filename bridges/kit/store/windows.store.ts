import type { PortalRow } from './portals.store.ts'
import type { Store } from './store.ts'

export type ClosingRow = Pick<PortalRow, 'portal' | 'login' | 'contact' | 'hub'> & { room: string; wroteAt: number }

/**
 * The person of a chat wrote: from here the network's window counts. Older news do not move it back. `what` names what they wrote, blind: when the same is
 * told again, after whatever interrupted it, it is not counted again.
 */
export function updateWroteAt({ prepare, lazily }: Store, portal: string, at: number, what: string | null = null): void {
  const update = prepare(
    `UPDATE portals SET wrote_at = max(coalesce(wrote_at, 0), @at), heard = heard + (@what IS NULL OR heard_of IS NOT @what), heard_of = @what
     WHERE portal = @portal`,
  )
  lazily(() => update.run({ at, what, portal }))
}

/** How often the person of a chat wrote. */
export function selectHeard({ pluck }: Store, portal: string): number {
  return pluck<[string], number>('SELECT heard FROM portals WHERE portal = ?').get(portal) ?? 0
}

export function selectWroteAt({ pluck }: Store, portal: string): number | undefined {
  return pluck<[string], number | null>('SELECT wrote_at FROM portals WHERE portal = ?').get(portal) ?? undefined
}

/** The chats with a room whose person wrote last within a span, and whose room was not told yet what comes of it. */
export function selectClosing({ prepare }: Store, { from, to }: { from: number; to: number }): ClosingRow[] {
  const rows = prepare<[number, number], ClosingRow>(
    `SELECT portal, login, contact, hub, room, wrote_at AS wroteAt FROM portals
     WHERE room IS NOT NULL AND wrote_at > ? AND wrote_at <= ? AND (window_told IS NULL OR window_told < wrote_at)`,
  )
  return rows.all(from, to)
}

export function updateWindowTold({ prepare }: Store, portal: string, wroteAt: number): void {
  prepare('UPDATE portals SET window_told = ? WHERE portal = ?').run(wroteAt, portal)
}
