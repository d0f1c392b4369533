import type { FailureClass, FailureKind, GraphFailure } from './failure.ts'
import { asObject, idField, integerField, type JsonObject, objectField } from './read-json.ts'

type Codes = Readonly<Record<string, FailureClass>>

/** Subcodes decide before codes: 10 is "no permission" on its own and "window closed" with 2018278. */
const classOfSubcode: Codes = {
  '10/2018278': 'window_closed',
  '10/2018065': 'window_closed',
  '10/2534022': 'window_closed',
  '10/1893063': 'account_restricted',
  '100/2018001': 'recipient_unreachable',
  '100/2534014': 'recipient_unreachable',
  '551/1545041': 'recipient_unreachable',
  '200/1545041': 'recipient_unreachable',
  '100/33': 'credentials',
  '100/2018047': 'media',
  '100/2018074': 'media',
  '100/2018008': 'media',
}

const classOfCode: Codes = {
  ...entries('window_closed', [131047]),
  ...entries('rate_limited', [4, 17, 32, 341, 613, 80002, 80006, 80007, 130429]),
  ...entries('pair_rate', [131056]),
  ...entries('recipient_unreachable', [551, 131021, 131026, 130497, 1545041, 2018001]),
  ...entries('account_restricted', [368, 131031, 131048]),
  ...entries('policy_drop', [130472, 131049, 131050]),
  ...entries('credentials', [0, 3, 10, 102, 104, 190, 200, 2500, 131005]),
  ...entries('payment', [131042]),
  ...entries('registration', [131045, 133000, 133005, 133006, 133008, 133009, 133010, 133015, 133016]),
  ...entries('template', [132000, 132001, 132005, 132007, 132012, 132015, 132016, 132068, 132069]),
  ...entries('group', [131020, 131041, 131201, 131202, 131204, 131207, 131208, 131211]),
  ...entries('unsupported', [131051]),
  ...entries('media', [131052, 131053]),
  ...entries('parameter', [100, 131008, 131009]),
  ...entries('server', [1, 2, 1200, 131000, 131016, 131057, 133004]),
}

const words: Readonly<Record<FailureClass, string>> = {
  window_closed: 'More than 24 hours have passed since this person last wrote. Wait until they write again, or send an approved template.',
  rate_limited: 'The network limits how fast this account may send. It is tried again by itself.',
  pair_rate: 'Too many messages to this person in a short time. It is tried again by itself.',
  recipient_unreachable:
    'The network cannot reach this person: the account is gone, has blocked this one, or cannot receive such messages.',
  account_restricted: 'The network has restricted this account. Look for its notice in the business settings before sending anything else.',
  policy_drop: 'The network did not deliver this message because of its own policy for this person. Sending it again will not help.',
  credentials: 'The network no longer accepts the access token, or it lacks a permission. Log in again.',
  payment: 'The network wants a valid payment method for this account. Set one in the business settings.',
  registration: 'The business number is not registered with the network. Register it in the business settings.',
  template: 'The network did not accept the message template. Check its name, language and parameters.',
  group: 'The network did not accept this for the group.',
  unsupported: 'The network does not carry this kind of message.',
  media: 'The network could not take the file. Check its type and size.',
  media_type: 'The network does not take files of this type.',
  media_gone: 'The network no longer has this file. Ask for it to be sent again.',
  too_large: 'The file is larger than what is taken.',
  damaged: 'The file could not be read whole.',
  parameter: 'The network did not accept the request. This is a fault of the bridge: please report it.',
  server: 'The network has trouble of its own.',
  network: 'The network could not be reached.',
  other: 'The network refused for a reason that this bridge does not know.',
}

const mayHaveHappened = 'It may have been sent. Look into the chat on the network before sending it again.'
const retried: ReadonlySet<FailureClass> = new Set<FailureClass>(['rate_limited', 'pair_rate', 'server', 'network'])
const pairRateMs = 6_000
const longestWaitMs = 6 * 3_600_000

/** The class of a code (and subcode) of the Graph API, also for the codes inside a failed status of WhatsApp. */
export function classifyCode(code: number | undefined, subcode?: number): FailureClass {
  return classOfSubcode[`${code}/${subcode}`] ?? classOfCode[String(code)] ?? 'other'
}

/** The sentence a person reads for a class. */
export function wordsFor(failureClass: FailureClass, kind?: FailureKind): string {
  return kind === 'unknown' ? `${words[failureClass]} ${mayHaveHappened}` : words[failureClass]
}

/** A failure with its words. */
export function failure(
  kind: FailureKind,
  failureClass: FailureClass,
  details: Omit<GraphFailure, 'kind' | 'class' | 'words'> = {},
): GraphFailure {
  return { kind, class: failureClass, words: wordsFor(failureClass, kind), ...details }
}

/**
 * The failure in an HTTP answer. With Meta's error body the code decides; code 1 ("unknown error") and unrecognised codes under a 5xx leave open
 * whether it happened. Without that body a 5xx or 408 is `unknown` (a gateway spoke, not the API), 429 is `retry`, other statuses are `refused`.
 */
export function failureOfAnswer(status: number, body: JsonObject | undefined, waitMs?: number): GraphFailure {
  const error = objectField(body, 'error')
  if (!error) return failureOfStatus(status, waitMs)
  const code = integerField(error, 'code')
  const subcode = integerField(error, 'error_subcode')
  const failureClass = classifyCode(code, subcode)
  return failure(kindOf(failureClass, code, status), failureClass, {
    status,
    ...(code === undefined ? {} : { code }),
    ...(subcode === undefined ? {} : { subcode }),
    ...waitOf(failureClass, waitMs),
    ...traceOf(error),
  })
}

/** The failure that WhatsApp puts into a status webhook or beside a message. */
export function failureOfStatusError(error: unknown): GraphFailure {
  const code = integerField(asObject(error), 'code')
  return failure('refused', classifyCode(code), code === undefined ? {} : { code })
}

function kindOf(failureClass: FailureClass, code: number | undefined, status: number): FailureKind {
  if (code === 1 || (failureClass === 'other' && status >= 500)) return 'unknown'
  return retried.has(failureClass) ? 'retry' : 'refused'
}

function failureOfStatus(status: number, waitMs: number | undefined): GraphFailure {
  if (status === 429) return failure('retry', 'rate_limited', { status, ...waitOf('rate_limited', waitMs) })
  if (status >= 500 || status === 408 || (status >= 300 && status < 400)) return failure('unknown', 'server', { status })
  if (status === 401) return failure('refused', 'credentials', { status })
  if (status === 413) return failure('refused', 'too_large', { status })
  return failure('refused', 'other', { status })
}

function waitOf(failureClass: FailureClass, waitMs: number | undefined): { retryAfterMs?: number } {
  const least = failureClass === 'pair_rate' ? pairRateMs : 0
  const wait = Math.min(Math.max(waitMs ?? 0, least), longestWaitMs)
  return retried.has(failureClass) && wait > 0 ? { retryAfterMs: wait } : {}
}

function traceOf(error: JsonObject): { trace?: string } {
  const trace = idField(error, 'fbtrace_id')
  return trace !== undefined && /^[A-Za-z0-9_-]{1,64}$/.test(trace) ? { trace } : {}
}

function entries(failureClass: FailureClass, codes: readonly number[]): Codes {
  return Object.fromEntries(codes.map((code) => [String(code), failureClass]))
}
