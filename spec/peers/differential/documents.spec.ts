import { expect } from 'chai'
import { canonicalJson } from '../../../server/core/canonical-json.ts'
import { contentHash, eventIdOf, hasRightHash, referenceHash } from '../../../server/core/hashes.ts'
import { isJsonObject, type Json, type JsonObject } from '../../../server/core/json.ts'
import { parseLossless } from '../../../server/core/lossless-json.ts'
import { MatrixError } from '../../../server/core/matrix-error.ts'
import { checkPduShape, type Pdu } from '../../../server/core/pdu.ts'
import { redact } from '../../../server/core/redaction.ts'
import { type RoomRules, roomRules } from '../../../server/core/room-versions.ts'
import { generateSigningKey, signJson, signPdu } from '../../../server/core/signatures.ts'
import { type Document, drawDocument } from './documents.ts'
import { compare, countOf, Differences, needSynapse, Tally } from './python.ts'
import { hasHugeNumber, respell } from './spelling.ts'

const key = generateSigningKey(new Uint8Array(32), '1')
const serverName = 'a.test'
const atOnce = 200

/** What is made of a document; what is missing was refused. */
type Said = {
  readonly loose?: string
  readonly strict?: boolean
  readonly signed?: string
  readonly hash?: string
  readonly signature?: string
  readonly redacted?: string
  readonly reference?: string
  readonly id?: string
  readonly right?: boolean
}

type Outcome = { readonly tally: Tally; readonly differences: Differences }

describe('Documents, as Synapse reads, hashes and signs them', function () {
  this.timeout(7_200_000)
  before(function () {
    needSynapse(this)
  })

  it('are the same here, but for what the specification leaves open', async () => {
    const count = countOf('DIFFERENTIAL_DOCUMENTS', 12_000)
    const seed = countOf('DIFFERENTIAL_SEED', 1)
    const outcome: Outcome = { tally: new Tally(), differences: new Differences() }
    await compare<Document[], Said[]>(
      'canonical.py',
      batches(count, seed),
      (documents) => JSON.stringify(documents.map(({ version, text }) => [version ?? null, text])),
      (documents, answers) => {
        for (const [at, document] of documents.entries()) judge(document, answers[at]!, outcome)
      },
    )
    process.stdout.write(`    ${count} documents compared with Synapse\n${outcome.tally.lines().join('')}`)
    expect(outcome.differences.told()).to.deep.equal([])
  })
})

function* batches(count: number, seed: number): Generator<Document[]> {
  for (let from = 0; from < count; from += atOnce) {
    yield Array.from({ length: Math.min(atOnce, count - from) }, (_, at) => drawDocument(seed * 1_000_003 + from + at))
  }
}

function judge(document: Document, theirs: Said, outcome: Outcome): void {
  const { version, text } = document
  const { tally } = outcome
  const rules = version === undefined ? undefined : roomRules(version)!
  const ours = answer(text, rules)
  tally.add(ours.loose === undefined ? 'refused' : ours.strict ? 'canonical' : 'canonical until version 5')
  // "Values outside the range represented by IEEE 754 binary64" have no form in Python; what they are worth is said of power levels alone.
  if (theirs.loose === undefined && ours.strict === false && hasHugeNumber(text)) {
    tally.add('explained: a float that no double holds')
    return
  }
  const isRespelled = ours.loose !== theirs.loose && ours.loose !== undefined
  // "Servers MUST NOT strictly enforce the JSON format" until version 5: how a float is written there is not said. It stays as its server wrote it.
  if (isRespelled) tally.add('explained: a float that Python spells in another way')
  compareSaid(isRespelled ? answer(respell(text), rules) : ours, theirs, document, outcome)
}

function compareSaid(ours: Said, theirs: Said, { version, text }: Document, { tally, differences }: Outcome): void {
  if (ours.hash !== undefined) tally.add(`hashed and signed in version ${version}`)
  if (ours.right) tally.add('has the right hash')
  const fields = (Object.keys({ ...ours, ...theirs }) as (keyof Said)[]).filter((field) => ours[field] !== theirs[field])
  if (fields.length === 0) return
  const open = leftOpen(text, version)
  if (open !== undefined) {
    tally.add(`explained: ${open}`)
    return
  }
  const [field] = fields as [keyof Said]
  differences.add(`${fields} in version ${version}`, `${text}\n      here ${ours[field]}\n     there ${theirs[field]}`)
}

/** What of an event Synapse takes otherwise than the specification has it. */
function leftOpen(text: string, version: string | undefined): string | undefined {
  if (version === undefined) return undefined
  const event = parseLossless(text) as JsonObject
  // "The hash is calculated … without the unsigned, signature, and hashes properties": nothing is said of more.
  const own = ['age_ts', 'outlier', 'destinations'].find((name) => event[name] !== undefined)
  if (own !== undefined) return `Synapse takes ${own} as its own and hashes an event without it`
  // Since version 3 an event_id is no part of the format, and nothing says that it is forbidden.
  if (event['event_id'] !== undefined && roomRules(version)!.eventIds !== 'wire')
    return 'Synapse takes no event with an event_id since version 3'
  // Nothing bounds the nesting of an event.
  if (levelsOf(event) > 127) return 'Synapse takes no event that is nested more deeply than 127'
  // Of `hashes` the specification names sha256 alone.
  const isOdd = Object.values(event['hashes'] as JsonObject).some((value) => typeof value !== 'string')
  return isOdd ? 'Synapse takes no event whose hashes are not all strings' : undefined
}

function levelsOf(value: Json | undefined): number {
  return typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(levelsOf)) : 0
}

function answer(text: string, rules: RoomRules | undefined): Said {
  let value: Json
  let loose: string
  try {
    value = parseLossless(text)
    loose = canonicalJson(value, false)
  } catch (error) {
    if (error instanceof MatrixError) return {}
    throw error
  }
  const said: Said = { loose, strict: isStrict(value) }
  if (rules !== undefined) return { ...said, ...answerEvent(value as unknown as Pdu, rules) }
  const isSignable = said.strict && isJsonObject(value) && (value['signatures'] === undefined || isJsonObject(value['signatures']))
  return isSignable ? { ...said, signed: signatureIn(signJson(value as JsonObject, serverName, key)) } : said
}

function answerEvent(pdu: Pdu, rules: RoomRules): Said {
  const loosely = { ...rules, strictJson: false }
  const hashed = { ...pdu, hashes: { ...pdu.hashes, sha256: contentHash(pdu, loosely) } }
  const said = { hash: contentHash(pdu, loosely), signature: signatureIn(signPdu(hashed, loosely, serverName, key)) }
  if (!checkPduShape(pdu, loosely).allowed) return said
  const { unsigned: _, ...redacted } = redact(pdu, rules)
  return {
    ...said,
    redacted: canonicalJson(redacted as unknown as JsonObject, false),
    ...(pdu.event_id === undefined ? {} : { reference: referenceHash(pdu, loosely) }),
    id: eventIdOf(pdu, loosely),
    right: hasRightHash(pdu, loosely),
  }
}

function signatureIn({ signatures }: { readonly signatures: JsonObject }): string {
  return (signatures[serverName] as JsonObject)[key.keyId] as string
}

function isStrict(value: Json): boolean {
  try {
    canonicalJson(value)
    return true
  } catch {
    return false
  }
}
