import type { Kit } from '../kit.ts'
import { type Change, putChange, selectChangedAt } from '../store/changes.store.ts'

const dayMs = 86_400_000
/** Networks repeat for a week what was not acknowledged. What says that it is older than this is not news, whatever it is. */
const newsMs = 40 * dayMs
/** So long is remembered what was applied: longer than anything may be that is still taken for news. */
export const rememberedMs = newsMs + dayMs

/** Whether it happened so long ago that it may have been applied and forgotten: then it must not be applied, for it may be the second time. */
export function isTooOld({ clock }: Pick<Kit, 'clock'>, { at }: { readonly at?: number }): boolean {
  return networkTime(at, clock()) < clock() - newsMs
}

/**
 * Whether nothing newer of the kind has been heard of; then this is the newest from now on. What comes again after it was cut off is as new as it was. In
 * the network's time, which is the same for all that it tells.
 */
export function isNewest({ store, clock }: Pick<Kit, 'store' | 'clock'>, change: Change, told: number | undefined): boolean {
  const at = networkTime(told, clock())
  return store.lazily(() => {
    const known = selectChangedAt(store, change)
    if (known !== undefined && known > at) return false
    putChange(store, change, at, clock())
    return true
  })
}

/** As it was told, also when it is ahead of ours; unless it is no time at all. */
function networkTime(at: number | undefined, now: number): number {
  return at === undefined || at < Date.UTC(2000, 0) || at > now + dayMs ? now : at
}
