import type { EventId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { forbidden, MatrixError, unreachable } from '../../core/matrix-error.ts'
import type { Pdu } from '../../core/pdu.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import {
  isForPolicyServer,
  isRecommended,
  type PolicyServer,
  policyServerOf,
  withPolicySignature,
} from '../../core/servers/policy-server.ts'
import type { Home } from '../../home.ts'
import { answerOf } from '../../remote/answer-of.ts'
import { createTurns } from '../../remote/turns.ts'
import { findOn } from '../draft.ts'
import type { DraftHead, Room } from '../room.ts'

/** An event that a room's policy server is to look at. */
export type Proposed = { readonly eventId: EventId; readonly pdu: Pdu; readonly rules: RoomRules; readonly by: PolicyServer }

/** Asks a policy server, once for an event: it under that server's signature, or why there is none. Never throws. */
export type AskPolicy = (of: Proposed, signal?: AbortSignal) => Promise<Pdu | MatrixError>

type Said = { readonly answer: Promise<JsonObject | MatrixError>; readonly until: number }

const uri = '/_matrix/policy/v1/sign'
/** As long as other servers wait: what it looks at may have pictures. */
const timeoutMs = 30_000
const longestAnswer = 4 * 1024
const rememberedMs = 60_000
const mostRemembered = 2000

/**
 * What policy servers are asked, a few at a time of each; what one said of an event is remembered for a while, since several servers may bring it.
 * https://spec.matrix.org/v1.19/server-server-api/#asking-for-a-policy-server-signature-on-an-event
 */
export function createAskPolicy({ peers, clock }: Pick<Home, 'peers' | 'clock'>): AskPolicy {
  const inTurn = createTurns({ running: 16, waiting: 500 }, { running: 100, waiting: 2000 })
  const said = new Map<string, Said>()

  async function ask({ pdu, by }: Proposed): Promise<JsonObject | MatrixError> {
    const destination = by.serverName
    const content = pdu as unknown as JsonObject
    try {
      const answer = await inTurn(destination, () =>
        peers.fetchJson({ destination, method: 'POST', uri, content, timeoutMs, limit: longestAnswer }),
      )
      // That the server is none, or does not know the room, is no answer to what a client asked.
      if (answer.ok && answer.status === 404) return forbidden('the policy server of the room does not answer for it')
      return answerOf(destination, answer)
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error
      return error
    }
  }

  function askOnce(of: Proposed): Promise<JsonObject | MatrixError> {
    const key = `${of.eventId} ${of.by.serverName} ${of.by.publicKey}`
    const now = clock.now()
    const known = said.get(key)
    if (known !== undefined && known.until > now) return known.answer
    const answer = ask(of)
    said.delete(key)
    said.set(key, { answer, until: now + rememberedMs })
    for (const oldest of said.keys()) {
      if (said.size <= mostRemembered) break
      said.delete(oldest)
    }
    return answer
  }

  return async (of, signal) => {
    const answer = await Promise.race([askOnce(of), ...(signal ? [aborted(signal)] : [])])
    if (answer instanceof MatrixError) return answer
    return withPolicySignature(of.pdu, of.rules, of.by, answer) ?? forbidden('the policy server of the room did not sign the event')
  }
}

function aborted(signal: AbortSignal): Promise<MatrixError> {
  const late = () => unreachable('the policy server of the room did not answer in time')
  if (signal.aborted) return Promise.resolve(late())
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(late()), { once: true }))
}

/** The policy server that a room uses on a head; undefined if it uses none, or one that is this server itself (which is none). */
export function policyOn(room: Pick<Room, 'state' | 'servers'>, head: Pick<DraftHead, 'state'>, own: string): PolicyServer | undefined {
  const content = findOn(room, head)('m.room.policy', '')?.pdu.content
  const policy = content && policyServerOf(content, room.servers)
  return policy?.serverName === own ? undefined : policy
}

/** Who is still to be asked about an event; undefined if nobody is. */
export function toBeAsked(pdu: Pdu, rules: RoomRules, policy: PolicyServer | undefined): PolicyServer | undefined {
  if (policy === undefined || !isForPolicyServer(pdu) || isRecommended(pdu, rules, policy)) return undefined
  return policy
}
