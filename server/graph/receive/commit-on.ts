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
  const { part, positions } = partOf(room, decision, head.version, options, tools.clock.now())
  const draft = addDraft(room, head.version, decision.head)
  try {
    const outcome = await tools.database.commit({
      ...part,
      room: { id: room.roomId, version: head.version, isVoid: () => draft.isVoid, decideAgain: async () => undefined },
      applied: (firstPosition) => {
        dropDraft(room, draft)
        applyDecision(tools, room, decision, positions, firstPosition, {})
        tools.rooms.add(room)
      },
    })
    return outcome.ok
  } finally {
    for (const later of dropDraft(room, draft)) later.isVoid = true
  }
}
