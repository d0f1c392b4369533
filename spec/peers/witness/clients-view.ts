import { setTimeout as sleep } from 'node:timers/promises'
import { notInBoth, textOf } from '../../support/apart/agreement.ts'
import type { StoredEvent } from '../../support/apart/stored.ts'
import type { Person, Room, Scene } from '../../support/apart/story.ts'
import type { Body } from '../../support/server.ts'

/** In what the places differ, in words, by what was looked at. */
export type Findings = Record<'members' | 'acknowledged' | 'timeline' | 'events' | 'readers' | 'states', string[]>

type Shown = ReadonlyMap<string, Body>

const at = (roomId: string) => `/rooms/${encodeURIComponent(roomId)}`

/** Looks whether clients of all places see the same of a room, and nobody sees what is not for them. */
export async function lookAsClients(scene: Scene, room: Room, findings: Findings): Promise<void> {
  await compareMembers(scene, room, findings.members)
  findAcknowledged(scene, room, findings.acknowledged)
  const shown = await Promise.all(scene.watchers.map((watcher) => readTimeline(scene, watcher, room, findings.timeline)))
  compareEvents(scene, room, shown, findings.events)
  await lookAsActors(scene, room, findings.readers)
}

async function compareMembers({ watchers }: Scene, { roomId, version }: Room, found: string[]): Promise<void> {
  const lists = await Promise.all(
    watchers.map(async ({ hopper }) => {
      const members: Body[] = (await hopper.insist(0, 'GET', `${at(roomId)}/members`)).body.chunk
      const joined = Object.entries((await hopper.insist(0, 'GET', `${at(roomId)}/joined_members`)).body.joined)
      return [
        ...members.map(({ event_id, state_key, content }) => `${event_id} ${state_key} ${content.membership}`),
        ...joined.map(([userId, profile]) => `${userId} ${(profile as Body).display_name}`),
      ].sort()
    }),
  )
  for (const [place, list] of lists.entries())
    for (const line of notInBoth(lists[0] ?? [], list)) found.push(`members of a room of version ${version}, place 0 and ${place}: ${line}`)
}

/** Whatever a client was told has been sent is at all places, and none rejected it. Others than the place it was sent from may have soft-failed it. */
function findAcknowledged({ watchers }: Scene, { roomId, version, acknowledged }: Room, found: string[]): void {
  for (const { site, place } of watchers) {
    const events = new Map(site.stored(roomId).events.map((event) => [event.event_id, event]))
    const faultOf = (event: StoredEvent | undefined) => {
      if (event === undefined) return 'is missing'
      if (event.rejected) return 'is rejected'
      if (event.outlier) return 'has no place in the room'
      return event.soft_failed && event.sender.endsWith(`:${site.serverName}`) ? 'is soft-failed where it was sent' : undefined
    }
    for (const eventId of acknowledged) {
      const fault = faultOf(events.get(eventId))
      if (fault) found.push(`${eventId} of a room of version ${version} ${fault}, at ${place}`)
    }
  }
}

/** All that a client is shown of a room, by ids: all that the place has taken, deeper events after others, and at ours the same in both directions. */
async function readTimeline(scene: Scene, { hopper, site, place }: Person, { roomId, version }: Room, found: string[]): Promise<Shown> {
  const read = async (dir: 'b' | 'f') => {
    const chunk: Body[] = []
    for (let from: string | undefined = ''; from !== undefined; ) {
      const path = `${at(roomId)}/messages?dir=${dir}&limit=100${from && `&from=${encodeURIComponent(from)}`}`
      const { body }: { body: Body } = await hopper.insist(0, 'GET', path)
      chunk.push(...body.chunk)
      from = body.chunk.length === 0 ? undefined : body.end
    }
    return chunk
  }
  const back = await read('b')
  const words = `the timeline of a room of version ${version} at ${place}`
  const ids = back.map(({ event_id }) => event_id as string).reverse()
  if (new Set(ids).size < ids.length) found.push(`${words} has an event twice`)
  // Asked for what follows the beginning, Synapse leaves out what came to it as history.
  const isOurs = place < scene.world.sites.length
  if (isOurs && ids.join() !== (await read('f')).map(({ event_id }) => event_id).join()) found.push(`${words} is another one forwards`)
  const { events } = site.stored(roomId)
  const depths = new Map(events.map(({ event_id, depth }) => [event_id, depth]))
  const inOrder = ids.map((id) => Number(depths.get(id)))
  if (inOrder.some((depth, index) => depth < Number(inOrder[index - 1]))) found.push(`${words} is not in the order of depths: ${inOrder}`)
  // Synapse withholds redactions that it does not apply; ours are soft-failed.
  const taken = events
    .filter(({ outlier, rejected, soft_failed }) => !outlier && !rejected && !soft_failed)
    .filter(({ type, event_id }) => isOurs || type !== 'm.room.redaction' || ids.includes(event_id))
  for (const id of notInBoth(
    taken.map(({ event_id }) => event_id),
    ids,
  ))
    found.push(`${words} and what it took: ${id}`)
  return new Map(back.map((event) => [event.event_id, event]))
}

/**
 * Each event is the same at two places, but where one did not apply a redaction, which it does not show then: whether its sender has the power is looked at
 * when both events have come, and may be answered as when an event is soft-failed. https://spec.matrix.org/v1.19/rooms/v3/#handling-redactions
 */
function compareEvents({ watchers }: Scene, { version }: Room, shown: readonly Shown[], found: string[]): void {
  const [first, ...others] = shown as [Shown, ...Shown[]]
  for (const [index, other] of others.entries()) {
    for (const [eventId, event] of first) {
      const there = other.get(eventId)
      if (there === undefined || textOf(event) === textOf(there)) continue
      const [here, beyond] = [redactionOf(event), redactionOf(there)]
      if (here && !beyond && !other.has(here)) continue
      if (beyond && !here && !first.has(beyond)) continue
      found.push(`version ${version}, place 0 and ${watchers[index + 1]?.place}:\n${textOf(event)}\n${textOf(there)}`)
    }
  }
  for (const [place, events] of shown.entries()) {
    for (const { type, event_id, redacts, content } of events.values()) {
      const target = type === 'm.room.redaction' ? events.get(redacts ?? content.redacts) : undefined
      if (target && !redactionOf(target))
        found.push(`version ${version}, place ${place}: ${event_id} is shown, and what it redacts is as it was`)
    }
  }
}

function redactionOf({ unsigned }: Body): string | undefined {
  return unsigned?.redacted_because?.event_id
}

/** Of what is said now, those who are in the room read all, and those who are not read nothing, but where anybody may. */
async function lookAsActors({ world, watchers, actors }: Scene, { roomId, version }: Room, found: string[]): Promise<void> {
  const { hopper: speaker } = watchers[0] as Person
  const state: Body[] = (await speaker.insist(0, 'GET', `${at(roomId)}/state`)).body
  const contentOf = (type: string, key = '') => state.find((event) => event.type === type && event.state_key === key)?.content
  const visibility = contentOf('m.room.history_visibility')?.history_visibility ?? 'shared'
  const said = { msgtype: 'm.text', body: 'who reads this?' }
  const { event_id } = (await speaker.insist(0, 'PUT', `${at(roomId)}/send/m.room.message/question`, said)).body
  const path = `${at(roomId)}/event/${encodeURIComponent(event_id)}`
  for (const { hopper } of watchers) while ((await hopper.insist(0, 'GET', path)).status !== 200) await sleep(50)
  for (const { hopper, place } of actors) {
    const finds = async (where: string) => JSON.stringify((await hopper.insist(0, 'GET', where)).body).includes(event_id)
    const membership = contentOf('m.room.member', hopper.userId)?.membership
    const isIn = membership === 'join'
    const may = isIn || visibility === 'world_readable' || (visibility === 'invited' && membership === 'invite')
    const words = `version ${version}: ${hopper.userId} at ${place}, ${membership}, history ${visibility}`
    if (((await hopper.insist(0, 'GET', path)).status === 200) !== may) found.push(`${words}: ${may ? 'does not read' : 'reads'} the event`)
    if ((await finds(`${at(roomId)}/messages?dir=b`)) && !may) found.push(`${words}: finds it among the messages`)
    // Synapse tells some who were put out, in their first sync, of what was said until now.
    const isOurs = place < world.sites.length
    if ((isOurs || isIn) && (await finds('/sync?timeout=0')) !== isIn) found.push(`${words}: ${isIn ? 'is not told' : 'is told'} of it`)
  }
}
