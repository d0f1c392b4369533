import { expect } from 'chai'
import { canonicalJson } from '../../../server/core/canonical-json.ts'
import { checkAuthEvents } from '../../../server/core/event-auth/check-auth-events.ts'
import { checkAuthRules } from '../../../server/core/event-auth/check-auth-rules.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { authEventIdsOf, checkPduShape, type Pdu } from '../../../server/core/pdu.ts'
import { signersOf } from '../../../server/core/signatures.ts'
import { refuse, type Verdict } from '../../../server/core/verdict.ts'
import { randomNumbers } from '../../support/random-json.ts'
import { explain } from './explained.ts'
import { type Case, drawCase } from './pairs.ts'
import { compare, countOf, Differences, needSynapse, Tally } from './python.ts'
import { drawWorld, type World } from './worlds.ts'

const casesOfWorld = 400

type Batch = { readonly world: World; readonly cases: readonly Case[] }
type Outcome = { readonly allowed: Tally; readonly refused: Tally; readonly explained: Tally; readonly differences: Differences }

describe('Verdicts on events, as Synapse gives them', function () {
  this.timeout(7_200_000)
  before(function () {
    needSynapse(this)
  })

  it('are the same here, but for what the specification explains', async () => {
    const count = countOf('DIFFERENTIAL_VERDICTS', 60_000)
    const outcome = { allowed: new Tally(), refused: new Tally(), explained: new Tally(), differences: new Differences() }
    await compare<Batch, (string | null)[]>(
      'verdicts.py',
      batches(count, countOf('DIFFERENTIAL_SEED', 1)),
      write,
      ({ world, cases }, answers) => {
        for (const [at, one] of cases.entries()) compareVerdicts(world, one, answers[at] ?? undefined, outcome)
      },
    )
    process.stdout.write(`    ${count} verdicts compared with Synapse. Allowed:\n${outcome.allowed.lines().join('')}`)
    process.stdout.write(`    Refused:\n${outcome.refused.lines().join('')}    Explained:\n${outcome.explained.lines().join('')}`)
    expect(outcome.differences.told()).to.deep.equal([])
  })
})

function* batches(count: number, seed: number): Generator<Batch> {
  for (let at = 0; at < count; at += casesOfWorld) {
    const random = randomNumbers(seed * 1_000_003 + at)
    const world = drawWorld(random)
    yield { world, cases: Array.from({ length: Math.min(casesOfWorld, count - at) }, () => drawCase(random, world)) }
  }
}

function write({ world, cases }: Batch): string {
  const events = world.known.map(({ pdu, rejected }) => [pdu as unknown as JsonObject, rejected])
  const pairs = cases.map(({ pdu, state }) => [pdu as unknown as JsonObject, state.map(({ eventId }) => world.places.get(eventId)!)])
  return canonicalJson({ version: world.rules.version, events, cases: pairs }, false)
}

function compareVerdicts(world: World, one: Case, theirs: string | undefined, outcome: Outcome): void {
  const ours = judge(world, one)
  const name = one.pdu.type === 'm.room.member' ? `m.room.member: ${String(one.pdu.content['membership'])}` : one.pdu.type
  if (ours.allowed) outcome.allowed.add(name)
  else outcome.refused.add(ours.reason)
  if (ours.allowed === (theirs === undefined)) return
  const words = explain(world.rules, one, ours, theirs)
  if (words !== undefined) {
    outcome.explained.add(words)
    return
  }
  const said = theirs?.replace(/[$!@][^ ]*|\d+/g, '…').slice(0, 90)
  const kind = `${name} ${ours.allowed ? 'is allowed' : ours.reason}, there ${said ?? 'it is allowed'}`
  outcome.differences.add(
    kind,
    canonicalJson({ version: world.rules.version, pdu: one.pdu, state: one.state } as unknown as JsonObject, false),
  )
}

/** What the checks on receipt say of an event, but for the signatures' bytes. */
function judge({ rules, known, places }: World, { pdu, state }: Case): Verdict {
  const shape = checkPduShape(pdu, rules)
  if (!shape.allowed) return shape
  const isSignedBy = (server: string) => Object.hasOwn(pdu.signatures, server)
  if (!signersOf(pdu, rules).every(isSignedBy)) return refuse('the event is not signed')
  const cited = authEventIdsOf(pdu).map((eventId) => known[places.get(eventId)!]!)
  const byCited = checkAuthEvents(pdu, rules, cited)
  if (!byCited.allowed) return byCited
  const readState = (type: string, key: string): Pdu | undefined =>
    state.find((one) => one.pdu.type === type && one.pdu.state_key === key)?.pdu
  return checkAuthRules(pdu, rules, readState, isSignedBy)
}
