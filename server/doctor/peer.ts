import type { ServerName } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { checkServerKeys } from '../core/servers/server-keys.ts'
import type { Answer, Failure } from '../remote/egress.ts'
import { failureWords } from '../remote/failure-words.ts'
import { attention, type Finding, ok, skipped, wrong } from './finding.ts'
import { lookAtName, type NameFacts } from './look-at-name.ts'
import { lookAtPlace, type PlaceFacts, shownPlace } from './look-at-place.ts'
import { type Patient, patienceMs } from './patient.ts'

const theirs = 'That is for those who run it to change; tell them.'
const day = 24 * 3_600_000

/** Whether another server is reached, is whom it says it is, lives in the same time, and believes this one. */
export async function lookAtPeer(patient: Patient, serverName: ServerName): Promise<Finding[]> {
  const { allow_private_addresses: allowPrivate } = patient.config.federation
  const name = await lookAtName(patient, serverName, allowPrivate)
  const way = wayFindings(name)
  const [first] = name.places
  if (first === undefined) return way
  let facts = await lookAtPlace(patient, first, allowPrivate)
  for (const place of name.places.slice(1)) {
    if (facts.tls.ok) break
    facts = await lookAtPlace(patient, place, allowPrivate)
  }
  const reached = reachedFinding(patient, facts)
  if (reached.level === 'wrong') return [...way, reached]
  return [...way, reached, keysFinding(patient, serverName, facts), clockFinding(facts), await beliefFinding(patient, serverName)]
}

function wayFindings({ wellKnown, places, serverName, addresses }: NameFacts): Finding[] {
  const check = 'way'
  const [first] = places
  const fault = wellKnown?.fault
  const useless = fault === undefined ? [] : [attention('well-known', `${wellKnown?.url} is of no use: ${fault}`, theirs)]
  if (addresses?.failed !== undefined) {
    return [
      wrong(check, `${serverName} cannot be looked up: ${addresses.failed}`, 'Look at the resolver of this machine (/etc/resolv.conf).'),
    ]
  }
  if (first === undefined) return [...useless, wrong(check, `${serverName} leads nowhere`, 'Look how its name is written.')]
  return [...useless, ok(check, `${serverName} is at ${places.map(({ origin }) => origin.replace('https://', '')).join(', then ')}`)]
}

function reachedFinding({ now }: Patient, facts: PlaceFacts): Finding {
  const check = 'reached'
  const where = shownPlace(facts)
  const { tls, version } = facts
  if (!tls.ok) {
    return wrong(
      check,
      `${where} cannot be connected to: ${tls.words}`,
      'Where other servers can be reached, it is down. Where none can: let this machine open connections to ports 443 and 8448 (firewall).',
    )
  }
  if (tls.until < now())
    return wrong(check, `the certificate of ${where} has expired on ${new Date(tls.until).toISOString().slice(0, 10)}`, theirs)
  if (tls.fault !== undefined) {
    return wrong(
      check,
      `the certificate of ${where} is not believed: ${failureWords(tls.fault)}`,
      theirs,
      'Where it comes from an authority of your own, name that:',
      '  federation: { ca_file: /PATH/authority.pem }',
    )
  }
  if (version === undefined || !version.ok) {
    const words = version?.words ?? 'it does not answer'
    const advice =
      version?.reason === 'forbidden'
        ? ['Where servers of a private network are to be reached, write', '  federation: { allow_private_addresses: true }']
        : [theirs]
    return wrong(check, `${where} does not answer as a server does: ${words}`, ...advice)
  }
  if (version.status !== 200) return wrong(check, `${where} answers ${version.status} when asked who it is`, theirs)
  const server = version.body['server']
  const shown = isJsonObject(server) ? `${String(server['name'])} ${String(server['version'])}`.slice(0, 80) : 'what does not say its name'
  return ok(check, `${where} is ${shown}, over ${tls.protocol}`)
}

function keysFinding({ now }: Patient, serverName: ServerName, { keys }: PlaceFacts): Finding {
  const check = 'its keys'
  const checked = keys?.ok && keys.status === 200 ? checkServerKeys(keys.body, serverName) : undefined
  if (checked === undefined)
    return wrong(check, `what it says of its keys is not signed as it should be${told(keys)}: nothing it sends can be believed`, theirs)
  if (checked.validUntil < now())
    return wrong(check, 'its keys are valid until a time that has passed', 'One of the two clocks is wrong; see below.')
  const current = checked.keys.filter(({ isOld }) => !isOld).map(({ keyId }) => keyId)
  return ok(
    check,
    `${current.join(', ')}, signed by itself, valid until ${new Date(Math.min(checked.validUntil, now() + 365 * day)).toISOString().slice(0, 10)}`,
  )
}

function told(answer: Answer<JsonObject> | Failure | undefined): string {
  if (answer === undefined || (answer.ok && answer.status === 200)) return ''
  return answer.ok ? ` (it answers ${answer.status})` : ` (${answer.words})`
}

/** The time of another server says something of ours: events bear it, and keys end by it. */
export function clockFinding({ aheadMs }: Pick<PlaceFacts, 'aheadMs'>): Finding {
  const check = 'clock'
  if (aheadMs === undefined) return skipped(check, 'it does not tell the time')
  const seconds = Math.round(Math.abs(aheadMs) / 1000)
  if (seconds <= 5) return ok(check, 'the two clocks agree')
  const words = `its clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the one of this machine`
  const advice = ['Look which of the two is wrong (date -u), and let this machine set its clock by itself:', '  timedatectl set-ntp true']
  return seconds <= 60 ? attention(check, words, ...advice) : wrong(check, words, ...advice)
}

/** A signed question: whoever answers it has looked up our keys where our name leads, from where it is. */
async function beliefFinding({ peers, serverName, key }: Patient, destination: ServerName): Promise<Finding> {
  const check = 'believes us'
  if (peers === undefined || key === undefined) return skipped(check, 'there is no signing key to ask under')
  if (serverName === 'localhost') return skipped(check, 'a server named localhost is believed by nobody')
  const alias = encodeURIComponent(`#tombolo-doctor:${destination}`)
  const uri = `/_matrix/federation/v1/query/directory?room_alias=${alias}`
  const answer = await peers.fetchJson({ destination, method: 'GET', uri, timeoutMs: 3 * patienceMs, limit: 65_536 })
  if (!answer.ok)
    return attention(
      check,
      `a signed question was not answered: ${answer.words}`,
      'Try again in some minutes; it may not reach this server to look at its keys.',
    )
  if (answer.status === 200 || answer.status === 404)
    return ok(check, `it takes what is signed with ${key.keyId}: it reaches this server, or has done so lately`)
  const said = String(answer.body['error'] ?? '').slice(0, 200)
  if (answer.status === 401 || (answer.status === 403 && /sign|key|auth/i.test(said))) {
    return wrong(
      check,
      `it does not believe our signature (${answer.status}${said === '' ? '' : `: ${said}`})`,
      `It looks for our keys where ${serverName} leads from the world outside: mend what is wrong above. When that is done it may take an hour until it looks again.`,
    )
  }
  return attention(
    check,
    `it answers ${answer.status} to a signed question${said === '' ? '' : `: ${said}`}`,
    'It may not talk with every server.',
  )
}
