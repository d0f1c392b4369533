import { expect } from 'chai'
import { type OutgoingKind, outgoingKinds, type Way } from '../../../bridges/kit/capabilities.ts'
import { type MediaKind, mediaKinds, type ToldKind, toldKinds } from '../../../bridges/kit/connector.ts'
import type { Seen } from './seat.ts'
import type { Stage, Stands } from './stage.ts'

/** What a story sees of a network, to be held against what its connector says of itself. */
export type Sights = {
  readonly told: Map<ToldKind, boolean>
  readonly out: Map<OutgoingKind, Way>
  /** As which kind a file of a kind got there; `refused` when it did not. */
  readonly files: Map<MediaKind, MediaKind | 'refused'>
}
export type Covered = `told ${ToldKind}` | `out ${OutgoingKind}` | `file ${MediaKind}`
/** One story, told of any network. What a network has no way for, it has in words: the story checks those. */
export type Story = { readonly name: string; readonly covers?: readonly Covered[]; tell(stage: Stage, sights: Sights): Promise<void> }

/** Everything that a connector says of itself and that some story must look at. */
export const everything: readonly Covered[] = [
  ...toldKinds.map((kind) => `told ${kind}` as const),
  ...outgoingKinds.map((kind) => `out ${kind}` as const),
  ...mediaKinds.map((kind) => `file ${kind}` as const),
]

/** Tells a story, and holds what it saw against what the connector says. */
export async function check(story: Story, stage: Stage): Promise<void> {
  const sights: Sights = { told: new Map(), out: new Map(), files: new Map() }
  await story.tell(stage, sights)
  const { tells, out, files } = stage.caps
  for (const [kind, seen] of sights.told) expect(tells.has(kind), `the connector says that it tells of: ${kind}`).to.equal(seen)
  for (const [kind, way] of sights.out) expect(out[kind], `the connector says how it carries: ${kind}`).to.equal(way)
  for (const [kind, seen] of sights.files) {
    expect(files[kind] !== undefined, `the connector says that it takes as such: ${kind}, which got there as ${seen}`).to.equal(
      seen === kind,
    )
  }
  const looked = [...sights.told.keys()].map((kind): Covered => `told ${kind}`)
  const sent = [...sights.out.keys()].map((kind): Covered => `out ${kind}`)
  const given = [...sights.files.keys()].map((kind): Covered => `file ${kind}`)
  expect([...looked, ...sent, ...given]).to.have.members(story.covers ?? [])
}

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
