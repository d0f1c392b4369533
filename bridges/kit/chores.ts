import { createFeed, type Feed } from './feed.ts'
import type { Kit } from './kit.ts'
import type { RoomActions } from './matrix/rooms.ts'
import { MatrixRequestError } from './matrix/side.ts'
import { sendOnce, transactionId } from './send.ts'
import { type ChoreRow, failChore, finishChore, insertChore, selectNewChores } from './store/management.store.ts'

/** What the bot is to say or do in a room: written down with the change that asks for it, done once after it. */
export type Chore =
  | { readonly kind: 'notice'; readonly room: string; readonly text: string }
  | { readonly kind: 'invite'; readonly room: string; readonly user: string }
  | { readonly kind: 'leave'; readonly room: string; readonly user: string }
  | { readonly kind: 'name'; readonly room: string; readonly user: string; readonly name: string }

/** Writes a chore down; in the caller's transaction. The same key is one chore, however often it is written. */
export function addChore({ store, vault, clock }: Pick<Kit, 'store' | 'vault' | 'clock'>, key: string, chore: Chore): void {
  insertChore(store, key, chore.room, vault.seal(JSON.stringify(chore), `chore ${key}`), clock())
}

/** Does one chore; may be run again after it was cut off anywhere. */
export async function doChore(kit: Kit, rooms: RoomActions, row: ChoreRow): Promise<void> {
  await perform(kit, rooms, row.key, JSON.parse(kit.vault.open(row.body, `chore ${row.key}`)) as Chore)
  kit.checkpoint('chore done')
  finishChore(kit.store, row.seq)
}

async function perform(kit: Kit, rooms: RoomActions, key: string, chore: Chore): Promise<void> {
  const { room } = chore
  switch (chore.kind) {
    case 'notice': {
      const content = { msgtype: 'm.notice', body: chore.text, 'org.tombolo.bot': true }
      const sender = kit.matrix.botUserId
      const encrypted = await rooms.isEncrypted(room)
      await sendOnce(kit, { txn: transactionId('chore', key), room, sender, type: 'm.room.message', content, encrypted })
      return
    }
    case 'invite':
      if ((await kit.matrix.members(room)).every(({ userId }) => userId !== chore.user)) await rooms.invite(chore.user, room)
      return
    case 'leave':
      return ifStillThere(rooms.leave(chore.user, room))
    case 'name':
      return ifStillThere(rooms.setName(chore.user, room, chore.name))
  }
}

/** Who has gone already need not leave. */
async function ifStillThere(done: Promise<void>): Promise<void> {
  try {
    await done
  } catch (error) {
    if (!(error instanceof MatrixRequestError) || (error.status !== 403 && error.status !== 404)) throw error
  }
}

/** Works through the chores, room by room. */
export function createChores(kit: Kit, rooms: RoomActions): Feed {
  return createFeed<ChoreRow>({
    name: 'chores',
    log: kit.log,
    select: (after, limit) => selectNewChores(kit.store, after, limit),
    lane: ({ room }) => room,
    handle: (row) => doChore(kit, rooms, row),
    failed: ({ seq }, last) => failChore(kit.store, seq, last),
  })
}
