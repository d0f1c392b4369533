import type { ServerName } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import type { Answer, Failure } from '../remote/egress.ts'
import type { Tools } from '../slice.ts'
import { type Write, write } from '../storage/database.ts'
import type { Lease } from '../storage/lease.ts'
import { isRefusal, isTaken, sendInParts } from './parts.ts'
import { type DroppedRow, selectBody, updateTransaction } from './queue.store.ts'
import { withoutStale } from './stale-edus.ts'
import { most } from './transaction-text.ts'

/** What is on its way: the same bytes under the same id. After a try that failed they are read from the disk again. `position` is that of its last event. */
export type Transaction = { readonly id: string; readonly text?: string | undefined; readonly position: number | undefined }

/** What a destination answered, or why it did not. */
export type Answered = Answer<JsonObject> | Failure

type Needs = Pick<Tools, 'home'> & { readonly lease: Lease }

const patienceMs = 60_000

/** One try: as what it was sent, without its bytes, and what the destination answered. */
export async function attempt(
  needs: Needs,
  destination: ServerName,
  transaction: Transaction,
): Promise<{ readonly sent: Transaction; readonly answer: Answered }> {
  const { position, text: written } = transaction
  const { id, text } = written === undefined ? await readAgain(needs, destination, transaction) : { id: transaction.id, text: written }
  const whole = await post(needs, destination, id, text)
  const answer = isRefusal(whole) ? await postInParts(needs, destination, { id, text, answer: whole }) : whole
  return { sent: { id, position }, answer }
}

async function post(needs: Needs, destination: ServerName, id: string, contentText: string): Promise<Answered> {
  const { home, lease } = needs
  const uri = `/_matrix/federation/v1/send/${id}`
  const { signal } = lease
  const answer = await home.peers.fetchJson({ destination, method: 'PUT', uri, contentText, timeoutMs: patienceMs, apart: true, signal })
  if (answer.ok && isTaken(answer)) noteRefused(needs, destination, answer.body)
  return answer
}

function postInParts(
  needs: Needs,
  destination: ServerName,
  refused: { readonly id: string; readonly text: string; readonly answer: Answered },
): Promise<Answered> {
  const { log, serverName: origin } = needs.home
  return sendInParts(
    {
      post: (id, text) => post(needs, destination, id, text),
      leaveOut: (list, { type, edu_type, room_id }) =>
        log.warn('a server will not take this: it is left out', {
          destination,
          list,
          type: String(type ?? edu_type),
          room: String(room_id),
        }),
    },
    { origin, ...refused },
  )
}

/** A transaction from the disk. Where some of it is of no use any more, it goes without that: under an id of its own, since the destination may know this one. */
async function readAgain(
  needs: Needs,
  destination: ServerName,
  { id }: Transaction,
): Promise<{ readonly id: string; readonly text: string }> {
  const { home } = needs
  const row = await home.database.selectOne(selectBody, destination, id)
  if (row === undefined) throw new Error('another process has sent this transaction')
  const text = Buffer.from(row.body).toString()
  const fresh = withoutStale(text, home.clock.now())
  if (fresh === undefined) return { id, text }
  const newId = home.random(12).toString('base64url')
  await commit(needs, [write(updateTransaction, newId, Buffer.from(fresh.text), fresh.edus, destination, id)])
  return { id: newId, text: fresh.text }
}

function noteRefused({ home }: Needs, destination: ServerName, { pdus }: JsonObject): void {
  for (const [eventId, result] of Object.entries(isJsonObject(pdus) ? pdus : {}).slice(0, most.pdus)) {
    const error = isJsonObject(result) ? result['error'] : undefined
    if (typeof error !== 'string') continue
    home.log.info('a server did not take an event', { destination, eventId: eventId.slice(0, 255), reason: error.slice(0, 200) })
  }
}

/** The rows that the writes gave back, which only those that drop what waits do. */
export async function commit({ home, lease }: Needs, writes: readonly Write[]): Promise<readonly DroppedRow[]> {
  const outcome = await home.database.commit({ guards: [lease.guard], writes })
  if (!outcome.ok) throw new Error('another process sends to other servers')
  return (outcome.rows ?? []) as readonly DroppedRow[]
}
