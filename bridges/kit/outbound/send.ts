import type { Address, OutgoingTemplate, Place, SendResult, Session } from '../connector.ts'
import { addressesOf } from '../ghosts.ts'
import type { RoomFile } from '../hub/relay.ts'
import type { Kit } from '../kit.ts'
import { remoteIdOf, remoteIdsOf } from '../messages.ts'
import type { OutboxRow } from '../store/outbox.store.ts'
import type { PortalRow } from '../store/portals.store.ts'
import { prepareFile } from './file.ts'
import { isStretched } from './kept.ts'
import { placeText } from './words.ts'

/** Makes everything ready to send a part; what it gives back calls the network. */
export async function prepareSend(
  kit: Pick<Kit, 'store' | 'vault' | 'connector' | 'files' | 'clock' | 'late'>,
  session: Session,
  portal: PortalRow,
  row: OutboxRow,
  payload: string,
): Promise<() => Promise<SendResult>> {
  const to = addressesOf(kit, portal.contact)
  const target = row.target === null ? undefined : remoteIdOf(kit, row.portal, row.target)
  const answers = {
    ...(target === undefined ? {} : { replyTo: target }),
    ...(isStretched(kit, portal, row) ? { byHuman: true as const } : {}),
  }
  if (row.kind === 'media') return prepareFile(kit, session, JSON.parse(payload) as RoomFile, { to, ...answers }, row.key)
  if (row.kind === 'place') {
    const place = JSON.parse(payload) as Place
    return () =>
      session.sendPlace?.({ to, place, ...answers }, row.key) ?? session.send({ to, text: placeText(place), ...answers }, row.key)
  }
  if (row.kind === 'template') return prepareTemplate(kit, session, to, row.key, payload)
  if (row.kind === 'edit' || row.kind === 'undo') return prepareChange(kit, session, { to, row, text: payload })
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

function prepareTemplate(
  { connector }: Pick<Kit, 'connector'>,
  session: Session,
  to: Address,
  key: string,
  payload: string,
): () => Promise<SendResult> {
  const sendTemplate = session.sendTemplate?.bind(session)
  if (!sendTemplate) return refuse('unsupported', `${connector.info.title} knows no templates.`)
  return () => sendTemplate({ to, ...(JSON.parse(payload) as Pick<OutgoingTemplate, 'template' | 'values'>) }, key)
}

/** Changes or takes back a message, all of its parts. */
function prepareChange(
  kit: Pick<Kit, 'store' | 'vault' | 'connector'>,
  session: Session,
  { to, row, text }: { to: Address; row: OutboxRow; text: string },
): () => Promise<SendResult> {
  const targets = row.target === null ? [] : remoteIdsOf(kit, row.portal, row.target)
  const { edit, withdraw } = session
  const { title } = kit.connector.info
  const [first] = targets
  if (first === undefined) return refuse('unknown_target', `The message did not get to ${title}, so this did not either.`)
  if (row.kind === 'edit')
    return edit ? () => edit({ to, target: first, text }, row.key) : refuse('unsupported', `${title} carries no corrections.`)
  if (!withdraw) return refuse('unsupported', `${title} takes nothing back.`)
  return async () => {
    let result: SendResult = { kind: 'sent' }
    for (const target of targets) if (result.kind === 'sent') result = await withdraw({ to, target }, row.key)
    return result
  }
}

function refuse(reason: string, words: string): () => Promise<SendResult> {
  return async () => ({ kind: 'refused', class: reason, words })
}
