import { setTimeout as sleep } from 'node:timers/promises'
import { canonicalJson } from '../../../server/core/canonical-json.ts'
import type { Body } from '../server.ts'
import type { StoredEvent } from './stored.ts'
import { type Person, type Room, readBack, type Scene, speakUp } from './story.ts'

type Held = { readonly state: readonly string[]; readonly events: readonly string[]; readonly rejected: readonly string[] }

/** So long it may take. */
export const withinMs = 60_000

/** A turn that takes longer counts as this: then the machine stood still, or had others to serve. */
const longestTurnMs = 1_000

/** Waits until all sites have the same of all rooms; gives how long it took. Says in what they differ, and what was done, after a minute. */
export async function untilAgreed(scene: Scene, name: string): Promise<number> {
  const from = performance.now()
  for (let turn = 0, waited = 0; ; turn++) {
    const begun = performance.now()
    if (turn % 20 === 0) await speakUp(scene)
    if (turn % 20 === 10) await readBack(scene)
    const found = await differences(scene)
    if (found.length === 0) return performance.now() - from
    if (waited > withinMs)
      throw new Error(`${name}: no agreement within a minute\n${found.join('\n')}\nlast of all done:\n${scene.done.slice(-300).join('\n')}`)
    await sleep(250)
    waited += Math.min(performance.now() - begun, longestTurnMs)
  }
}

/** In what the sites differ, in words; empty where they agree: the same events in the same places of the state, to the byte, and the same events at all. */
async function differences({ rooms, watchers }: Scene): Promise<string[]> {
  const found: string[] = []
  for (const room of rooms) {
    const held = await Promise.all(watchers.map((watcher) => readHeld(watcher, room)))
    const [first, ...others] = held as [Held, ...Held[]]
    for (const [at, other] of others.entries()) {
      for (const part of ['state', 'events', 'rejected'] as const) {
        const differing = notInBoth(first[part], other[part])
        if (differing.length > 0) found.push(`room of version ${room.version}, ${part}, site 0 and ${at + 1}:\n${differing.join('\n')}`)
      }
    }
    if (first.rejected.length > 0) found.push(`an honest event was rejected: ${first.rejected.join()}`)
  }
  return found
}

/** How many forward extremities a site has at most in any room. */
export function widest({ rooms, watchers }: Scene): number {
  return Math.max(...watchers.flatMap(({ site }) => rooms.map(({ roomId }) => site.stored(roomId).extremities)))
}

async function readHeld({ hopper, site }: Person, { roomId, version }: Room): Promise<Held> {
  // An invitation of this site that the room no longer allowed when the other server had signed it was refused to whoever invited, and never sent.
  // What it only heard of, to judge others by, has no place in the room yet.
  const rows = site
    .stored(roomId)
    .events.filter(({ outlier, rejected }) => outlier === 0 || rejected !== 0)
    .filter(({ soft_failed, sender }) => soft_failed === 0 || !sender.endsWith(`:${site.serverName}`))
  const { status, body } = await hopper.insist(0, 'GET', `/rooms/${roomId}/state`)
  if (status !== 200) throw new Error(`${hopper.userId} may not see ${roomId} of version ${version}: ${JSON.stringify(body)}`)
  return {
    state: body.map(textOf).sort(),
    events: rows
      .filter(({ rejected }) => rejected === 0)
      .map(wordsOf)
      .sort(),
    rejected: rows
      .filter(({ rejected }) => rejected !== 0)
      .map(wordsOf)
      .sort(),
  }
}

/** What was signed of an event, of what clients are shown. Some homeservers add to it of their own. */
export function textOf({ type, state_key, sender, room_id, event_id, origin_server_ts, content }: Body): string {
  const named = { type, sender, room_id, event_id, origin_server_ts, content }
  return canonicalJson(state_key === undefined ? named : { ...named, state_key }, false)
}

function wordsOf({ event_id: eventId, type, sender }: StoredEvent): string {
  return `${eventId} ${type} of ${sender}`
}

/** What one has and the other has not. */
export function notInBoth(one: readonly string[], other: readonly string[]): string[] {
  const [a, b] = [new Set(one), new Set(other)]
  return [
    ...one.filter((value) => !b.has(value)).map((value) => `- ${value}`),
    ...other.filter((value) => !a.has(value)).map((value) => `+ ${value}`),
  ]
}
