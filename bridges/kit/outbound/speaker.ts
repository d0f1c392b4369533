import type { Origin } from '../hub/origin.ts'
import type { Speaker } from '../hub/relay.ts'
import type { Kit } from '../kit.ts'
import { fitName, networkOfGhost, titleOf } from '../names.ts'
import type { PortalRow } from '../store/portals.store.ts'

type By = { readonly room_id: string; readonly sender: string }

/** Under which name the chats read somebody; undefined where the chat is theirs alone. */
export async function speakerFor(
  kit: Kit,
  event: By,
  origin: Origin | undefined,
  chats: readonly PortalRow[],
): Promise<Speaker | undefined> {
  if (chats.length < 2 && !chats.some(({ hub }) => hub === 1)) return undefined
  const network = networkOfGhost(event.sender, kit.serverName, kit.connector.info.network)
  const name = network && origin ? origin.name : await memberName(kit, event)
  return { name, app: network ? titleOf(network) : 'Matrix' }
}

async function memberName({ matrix }: Kit, { room_id, sender }: By): Promise<string> {
  const members = await matrix.members(room_id)
  const localpart = fitName(sender.slice(1, sender.indexOf(':'))) ?? 'Somebody'
  const name = fitName(members.find(({ userId }) => userId === sender)?.name)
  // Two of the same name are told apart by their user ids.
  const shared = name !== undefined && members.some((other) => other.userId !== sender && fitName(other.name) === name)
  return shared ? (fitName(`${name} ${localpart}`) ?? localpart) : (name ?? localpart)
}
