import type { OutgoingKind, Way } from '../../../bridges/kit/capabilities.ts'
import type { MediaKind, ToldKind } from '../../../bridges/kit/connector.ts'
import type { Seen } from './seat.ts'
import type { Stage, Stands } from './stage.ts'

/** What the stories saw of a network, to be held against what its connector says of itself. */
export type Sights = {
  readonly told: Map<ToldKind, boolean>
  readonly out: Map<OutgoingKind, Way>
  /** As which kind a file of a kind got there; `refused` when it did not. */
  readonly files: Map<MediaKind, MediaKind | 'refused'>
}
/** One story, told of any network. What a network has no way for, it has in words: the story checks those. */
export type Story = { readonly name: string; tell(stage: Stage, sights: Sights): Promise<void> }

export const newSights = (): Sights => ({ told: new Map(), out: new Map(), files: new Map() })
export const text = (body: string) => ({ msgtype: 'm.text', body })
export const answering = (event: string) => ({ 'm.relates_to': { 'm.in_reply_to': { event_id: event } } })

/** What the ghost has written in the room, newest last. */
export function ghostSays(stage: Stage): readonly Stands[] {
  return stage.stands().filter(({ by }) => by === 'ghost')
}

/** What the account has written, as the person's phone shows it, newest last. */
export async function arrived(stage: Stage): Promise<readonly Seen[]> {
  return (await stage.seat.phone.sees()).filter(({ mine }) => !mine)
}

export function bodyOf(event: Stands | undefined): string {
  return String(event?.content['body'])
}
