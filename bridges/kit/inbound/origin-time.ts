const mostAheadMs = 5 * 60_000

/** The network's time, unless it lies in the future or before there were phones: then the time of arrival. */
export function originTime(at: number | undefined, now: number): number {
  return at === undefined || at > now + mostAheadMs || at < Date.UTC(2000, 0) ? now : at
}
