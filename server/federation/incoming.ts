import { hash } from 'node:crypto'
import { canonicalJson } from '../core/canonical-json.ts'
import { isRoomId, type RoomId, type ServerName } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { parseStored } from '../core/lossless-json.ts'
import { badJson, limitExceeded } from '../core/matrix-error.ts'
import { errorFields } from '../http/log.ts'
import type { Tools } from '../slice.ts'
import { guard, write } from '../storage/database.ts'
import type { DispatchEdus } from './edu-dispatch.ts'
import { clearEdus, deleteStaged, insertReceived, insertStaged, selectReceived, updateAnswered } from './incoming.store.ts'
import type { ReceivePdus, Results } from './incoming-rooms.ts'
import type { PutAway } from './put-away.ts'

/**
 * Takes a transaction in, once; answers what became of its PDUs. 400 M_BAD_JSON for what is none, 429 for a server that does not wait for answers. Rejects
 * where the disk fails: the server sends it again.
 */
export type TakeTransaction = (origin: ServerName, transactionId: string, body: JsonObject) => Promise<JsonObject>

type Needs = Pick<Tools, 'home'> & {
  readonly dispatchEdus: DispatchEdus
  readonly receivePdus: ReceivePdus
  readonly putAway: PutAway
  readonly stamp: () => number
}

/** `texts` are those of the PDUs that name a room and can be written down. */
type Transaction = {
  readonly origin: ServerName
  readonly id: string
  readonly pdus: readonly { readonly roomId: RoomId; readonly pdu: JsonObject; readonly text: string }[]
  readonly edus: readonly Json[]
  readonly eduText: string | undefined
  readonly digest: string
}

export const mostPdus = 50
export const mostEdus = 100
/** A server waits for the answer before it sends the next; some lose patience. */
const mostAtOnce = 16
/** What takes longer is put on the disk before it is answered. */
const stageAfterMs = 50
const answerWithinMs = 15_000

/** https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1sendtxnid */
export function createIncoming(needs: Needs): TakeTransaction {
  const running = new Map<string, { readonly digest: string; readonly answer: Promise<JsonObject> }>()
  const atOnce = new Map<ServerName, number>()

  function begin(transaction: Transaction, key: string): Promise<JsonObject> {
    const { origin, digest } = transaction
    const count = atOnce.get(origin) ?? 0
    if (count >= mostAtOnce) throw limitExceeded(1000)
    atOnce.set(origin, count + 1)
    const { answer, done, ended } = process(needs, transaction)
    running.set(key, { digest, answer })
    void ended.finally(() => running.delete(key))
    void done.finally(() => {
      const left = (atOnce.get(origin) ?? 1) - 1
      if (left > 0) atOnce.set(origin, left)
      else atOnce.delete(origin)
    })
    return answer
  }

  return async (origin, id, body) => {
    const transaction = readTransaction(origin, id, body)
    const key = `${origin}\0${id}`
    const same = running.get(key)
    if (same !== undefined) {
      if (same.digest !== transaction.digest) warnOfAnother(needs, transaction)
      return same.answer
    }
    return begin(transaction, key)
  }
}

function readTransaction(origin: ServerName, id: string, body: JsonObject): Transaction {
  const { pdus = [], edus = [] } = body
  if (!Array.isArray(pdus) || !Array.isArray(edus)) throw badJson('pdus and edus are lists')
  if (pdus.length > mostPdus || edus.length > mostEdus) throw badJson(`a transaction holds at most ${mostPdus} PDUs and ${mostEdus} EDUs`)
  const placed = []
  for (const pdu of pdus) {
    const text = isJsonObject(pdu) && isRoomId(pdu['room_id']) ? textOf(pdu) : undefined
    if (text !== undefined) placed.push({ roomId: pdu['room_id'] as RoomId, pdu, text })
  }
  const eduText = edus.length === 0 ? undefined : textOf(edus)
  const digest = hash('sha256', `${placed.map(({ text }) => text).join('\n')}\n${eduText ?? ''}`, 'base64url')
  return { origin, id, pdus: placed, edus: eduText === undefined ? [] : edus, eduText, digest }
}

/** Undefined for what nobody could have signed: it has no form that could be kept. */
function textOf(value: Json): string | undefined {
  try {
    return canonicalJson(value, false)
  } catch {
    return undefined
  }
}

function warnOfAnother({ home }: Needs, { origin, id }: Transaction): void {
  home.log.warn('a server sent something else under the id of an earlier transaction; it is left out', { origin, transactionId: id })
}

/** `answer` comes in time also where the work is not `done`; `ended` is when it is known on the disk. The latter never fail. */
type Processing = { readonly answer: Promise<JsonObject>; readonly done: Promise<void>; readonly ended: Promise<void> }

function process(needs: Needs, transaction: Transaction): Processing {
  let done: Promise<unknown> = Promise.resolve()
  let ended: Promise<unknown> = Promise.resolve()
  const answer = (async () => {
    const { origin, id, digest } = transaction
    const row = await needs.home.database.selectOne(selectReceived, origin, id)
    if (row !== undefined && row.digest !== digest) warnOfAnother(needs, transaction)
    if (row?.answer) return parseStored(row.answer) as JsonObject
    // One that the process ended with is taken in from the disk; who asks again meanwhile has it taken in now.
    if (row !== undefined && row.digest !== digest) return { pdus: {} }
    const running = work(needs, transaction, row !== undefined)
    done = running.done
    ended = running.ended
    return running.answer
  })()
  return { answer, done: answer.then(() => done).then(nothing, nothing), ended: answer.then(() => ended).then(nothing, nothing) }
}

function work(needs: Needs, transaction: Transaction, isStaged: boolean): Processing {
  const { home } = needs
  const results: Results = new Map()
  let staged: Promise<boolean> | undefined = isStaged ? Promise.resolve(true) : undefined
  const stage = () => {
    staged ??= putOnDisk(needs, transaction)
    return staged
  }
  const pdus = receiveAll(needs, transaction, results)
  const edus = transaction.edus.length === 0 ? undefined : takeEdus(needs, transaction, stage)
  const done = Promise.all([pdus, edus]).then(nothing)
  const answer = (async () => {
    if (edus === undefined && (await endsWithin(done, stageAfterMs))) return answerOf(results)
    await stage()
    await endsWithin(done, answerWithinMs)
    return answerOf(results)
  })()
  const ended = Promise.all([answer, done]).then(() => finish(needs, transaction, staged, answerOf(results)))
  return {
    answer,
    done,
    ended: ended.catch((error) => home.log.error('a transaction was not put away', { origin: transaction.origin, ...errorFields(error) })),
  }
}

async function receiveAll({ receivePdus }: Needs, { origin, pdus }: Transaction, results: Results): Promise<void> {
  const rooms = Map.groupBy(pdus, ({ roomId }) => roomId)
  await Promise.all(
    [...rooms].map(async ([roomId, those]) => {
      const received = await receivePdus(
        origin,
        roomId,
        those.map(({ pdu }) => pdu),
      )
      for (const [eventId, words] of received) results.set(eventId, words)
    }),
  )
}

/** EDUs are on the disk before anybody takes them: said twice, some would count twice. */
async function takeEdus({ dispatchEdus, putAway }: Needs, { origin, id, edus }: Transaction, stage: () => Promise<boolean>): Promise<void> {
  if (!(await stage())) return
  await dispatchEdus(origin, edus)
  // They are not left over where the PDUs take long.
  void putAway.add([write(clearEdus, origin, id)])
}

/** False when another process has the transaction. */
async function putOnDisk({ home, stamp }: Needs, { origin, id, digest, pdus, eduText }: Transaction): Promise<boolean> {
  const arrival = stamp()
  const edus = eduText === undefined ? null : Buffer.from(eduText)
  const writes = [write(insertReceived, origin, id, digest, home.clock.now(), edus, null)]
  for (const [ordinal, { roomId, text }] of pdus.entries()) {
    writes.push(write(insertStaged, origin, id, ordinal, roomId, arrival, Buffer.from(text)))
  }
  const outcome = await home.database.commit({ guards: [guard('received', 'no row', selectReceived, origin, id)], writes })
  return outcome.ok
}

/** What was answered is kept, and what was staged is taken off. A process that ends before would take the same in again, which changes nothing. */
async function finish(
  { home, putAway }: Needs,
  transaction: Transaction,
  staged: Promise<boolean> | undefined,
  answer: JsonObject,
): Promise<void> {
  const { origin, id, digest } = transaction
  const bytes = Buffer.from(JSON.stringify(answer))
  if (staged === undefined) return putAway.add([write(insertReceived, origin, id, digest, home.clock.now(), null, bytes)])
  if (await staged) await putAway.add([write(updateAnswered, bytes, origin, id), write(deleteStaged, origin, id)])
}

async function endsWithin(done: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds)
  })
  try {
    return await Promise.race([done.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}

function answerOf(results: Results): JsonObject {
  const pdus: Record<string, JsonObject> = {}
  for (const [eventId, words] of results) pdus[eventId] = words === undefined ? {} : { error: words }
  return { pdus }
}

function nothing(): void {}
