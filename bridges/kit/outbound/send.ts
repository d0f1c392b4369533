import type { SendResult, Session } from '../connector.ts'
import { addressesOf } from '../ghosts.ts'
import type { RoomFile } from '../hub/relay.ts'
import type { Kit } from '../kit.ts'
import { remoteIdOf } from '../messages.ts'
import type { OutboxRow } from '../store/outbox.store.ts'
import type { PortalRow } from '../store/portals.store.ts'
import { prepareFile } from './file.ts'

/** Makes everything ready to send a part; what it gives back calls the network. */
export async function prepareSend(
  kit: Pick<Kit, 'store' | 'vault' | 'connector' | 'files'>,
  session: Session,
  portal: PortalRow,
  row: OutboxRow,
  payload: string,
): Promise<() => Promise<SendResult>> {
  const to = addressesOf(kit, portal.contact)
  const target = row.target === null ? undefined : remoteIdOf(kit, row.portal, row.target)
  const answers = target === undefined ? {} : { replyTo: target }
  if (row.kind === 'media') return prepareFile(kit, session, JSON.parse(payload) as RoomFile, { to, ...answers }, row.key)
  if (row.kind !== 'reaction') {
    const message = { to, text: payload, ...answers }
    return () => session.send(message, row.key)
  }
  const { title } = kit.connector.info
  const react = session.react?.bind(session)
  if (!react) return refuse('unsupported', `${title} carries no reactions.`)
  if (target === undefined) return refuse('unknown_target', `The message did not get to ${title}, so the reaction did not either.`)
  const reaction = { to, target, ...(payload === '' ? {} : { emoji: payload }) }
  return () => react(reaction, row.key)
}

function refuse(reason: string, words: string): () => Promise<SendResult> {
  return async () => ({ kind: 'refused', class: reason, words })
}
