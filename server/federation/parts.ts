import { canonicalJson } from '../core/canonical-json.ts'
import type { ServerName } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { parseLossless } from '../core/lossless-json.ts'
import type { Answer, Failure } from '../remote/egress.ts'
import { transactionText } from './transaction-text.ts'

type Answered = Answer<JsonObject> | Failure
/** A PDU or an EDU. */
type Item = { readonly list: 'pdus' | 'edus'; readonly value: Json }

/** Statuses that may be for what a transaction holds, and not for whom it comes from, or when. */
const forContent = new Set([400, 401, 403, 413, 415, 422])

/** Whether an answer may say that a transaction holds what its destination will never take. */
export function isRefusal(answer: Answered): boolean {
  return answer.ok && forContent.has(answer.status)
}

type Whole = { readonly origin: ServerName; readonly id: string; readonly text: string; readonly answer: Answered }
type Sending = {
  readonly post: (id: string, text: string) => Promise<Answered>
  /** What is left out: the destination takes nothing that holds it, and all else. */
  readonly leaveOut: (list: Item['list'], item: JsonObject) => void
}

/**
 * Sends the parts of a transaction that its destination refused, halved as often as it takes: whatever is wrong with one item, or with so many at once, the
 * others are not to wait for ever. Where not even an empty one is taken the answer is the refusal. Parts have names made of the transaction's, so that what
 * is sent again after a failure counts once.
 */
export async function sendInParts({ post, leaveOut }: Sending, { origin, id, text, answer }: Whole): Promise<Answered> {
  const {
    pdus,
    edus,
    origin_server_ts: sentAt,
  } = parseLossless(text, Number.POSITIVE_INFINITY) as {
    pdus: Json[]
    edus: Json[]
    origin_server_ts: number
  }
  const listed = (list: Item['list'], values: readonly Json[]) => values.map((value): Item => ({ list, value }))
  const items = [...listed('pdus', pdus), ...listed('edus', edus)]
  const postSome = (name: string, some: readonly Item[]) => {
    const textsOf = (list: Item['list']) => some.filter((item) => item.list === list).map(({ value }) => canonicalJson(value, false))
    return post(`${id}.${name}`, transactionText(origin, sentAt, { pdus: textsOf('pdus'), edus: textsOf('edus') }))
  }
  const isWell = async (name: string) => isTaken(await postSome(name, []))

  /** Sends what was refused together; taken when all was, but for what is left out. */
  async function divide(from: number, to: number, refused: Answered): Promise<Answered> {
    const item = items[from]
    if (item === undefined || !(await isWell(`before.${from}.${to}`))) return refused
    if (to - from > 1) {
      const middle = Math.ceil((from + to) / 2)
      const first = await send(from, middle)
      return isTaken(first) ? send(middle, to) : first
    }
    // What was refused for a reason of the moment is taken now.
    const again = await postSome(`${from}.again`, [item])
    if (!isRefusal(again)) return again
    leaveOut(item.list, item.value as JsonObject)
    return { ok: true, status: 200, headers: {}, body: {} }
  }
  async function send(from: number, to: number): Promise<Answered> {
    const sent = await postSome(`${from}.${to}`, items.slice(from, to))
    return isRefusal(sent) ? divide(from, to, sent) : sent
  }
  return divide(0, items.length, answer)
}

/** Whether a transaction was taken. */
export function isTaken(answer: Answered): boolean {
  return answer.ok && answer.status === 200
}
