import type { Outcome } from '../../storage/database.ts'
import { addDraft, applyDecision, dropDraft } from '../append.ts'
import { partOf } from '../commit.ts'
import type { Decision } from '../draft.ts'
import type { AppendOptions } from '../graph.ts'
import type { DraftHead, Room } from '../room.ts'
import type { ReceiveTools } from './receive-tools.ts'

/** Commits what was decided on a head, and holds the room in memory from then on. False when the room has moved on meanwhile: then nothing was written. */
export async function commitOn(
  tools: ReceiveTools,
  room: Room,
  head: DraftHead,
  decision: Decision,
  options: Pick<AppendOptions, 'writes' | 'log'>,
): Promise<boolean> {
  return (await commitAll(tools, room, head, decision, options)).ok
}

/** The same for what is ours; tells which guard failed, `room` when it has moved on. */
export async function commitAll(
  tools: ReceiveTools,
  room: Room,
  head: DraftHead,
  decision: Decision,
  options: AppendOptions,
): Promise<Outcome> {
  const { part, positions } = partOf(room, decision, head.version, options, tools.clock.now())
  const draft = addDraft(room, head.version, decision.head)
  try {
    return await tools.database.commit({
      ...part,
      room: { id: room.roomId, version: head.version, isVoid: () => draft.isVoid, decideAgain: async () => undefined },
      applied: (firstPosition) => {
        dropDraft(room, draft)
        applyDecision(tools, room, decision, positions, firstPosition, options)
        tools.rooms.add(room)
      },
    })
  } finally {
    for (const later of dropDraft(room, draft)) later.isVoid = true
  }
}
