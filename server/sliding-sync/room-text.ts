import { clientEventText, stateEventText } from '../graph/client-event.ts'
import type { Seen, StateEvent, TimelineEvent } from '../graph/graph.ts'
import { bundlesAmong } from '../graph/relations/bundles.ts'
import { ignoredUsers } from '../people/ignored-users.ts'
import type { Match } from './matching.ts'
import type { Look } from './room-answer.ts'

/** The fields that every room has, as members of its JSON object. */
export function commonText({ membership, lists }: Match, initial: boolean, bumpStamp: number): string[] {
  const parts = [`"bump_stamp":${bumpStamp}`, `"membership":"${membership.membership}"`]
  if (initial) parts.push('"initial":true')
  if (lists.length > 0) parts.push(`"lists":${JSON.stringify(lists)}`)
  return parts
}

/** State events as a JSON list. */
export function stateText({ tools }: Look, state: readonly StateEvent[]): string {
  const now = tools.home.clock.now()
  return `[${state.map((event) => stateEventText(event, undefined, now)).join(',')}]`
}

/** Events as a JSON list, with what relates to them if the timeline does not tell it all. */
export async function timelineText(
  { tools: { home, graph }, request: { requester } }: Look,
  { events, seen }: { readonly events: readonly TimelineEvent[]; readonly seen: readonly Seen[] },
): Promise<string> {
  const { userId, session } = requester
  const now = home.clock.now()
  const bundles = await bundlesAmong(graph, seen, events, { userId, session, now, ignored: () => ignoredUsers(home.database, userId) })
  const reader = { session, userId, now, ...(bundles === undefined ? {} : { bundles }) }
  return `[${seen.map((one) => clientEventText(one, reader, false)).join(',')}]`
}
