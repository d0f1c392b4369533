import { createFeed, type Feed } from './feed.ts'
import type { Kit } from './kit.ts'
import type { RoomActions } from './matrix/rooms.ts'
import { MatrixRequestError } from './matrix/side.ts'
import { sendOnce, transactionId } from './send.ts'
import { type ChoreRow, failChore, finishChore, insertChore, selectNewChoreLanes, selectNewChores } from './store/management.store.ts'

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
      if ((await kit.matrix.members(room)).some(({ userId }) => userId === chore.user)) return
      // The bot of a bridge that has never run is nobody yet.
      return ifThere(rooms.invite(chore.user, room), [404])
    case 'leave':
      return ifThere(kit.matrix.leave(chore.user, room), [403, 404])
    case 'name':
      return ifThere(rooms.setName(chore.user, room, chore.name), [403, 404])
  }
}

/** Who has gone already need not leave: these answers are as good as done. */
async function ifThere(done: Promise<void>, gone: readonly number[]): Promise<void> {
  try {
    await done
  } catch (error) {
    if (!(error instanceof MatrixRequestError) || !gone.includes(error.status)) throw error
  }
}

/** Works through the chores, room by room. */
export function createChores(kit: Kit, rooms: RoomActions): Feed {
  return createFeed<ChoreRow>({
    name: 'chores',
    log: kit.log,
    waiting: (after, limit) => selectNewChoreLanes(kit.store, after, limit),
    select: (room, after, limit) => selectNewChores(kit.store, after, limit, room),
    handle: (row) => doChore(kit, rooms, row),
    failed: ({ seq }, last) => failChore(kit.store, seq, last),
  })
}
