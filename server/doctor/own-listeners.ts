import type { Listener } from '../../config/schema.ts'
import { encodeBase64 } from '../core/base64.ts'
import type { JsonObject } from '../core/json.ts'
import { checkServerKeys, type ServerKeys } from '../core/servers/server-keys.ts'
import type { SigningKey } from '../core/signatures.ts'
import type { Answer, Failure } from '../remote/egress.ts'
import { lookAtTls } from '../remote/look-at-tls.ts'
import { attention, type Finding, ok, skipped, wrong } from './finding.ts'
import { type Patient, patienceMs, urlOf } from './patient.ts'

/** Whether the server runs and answers where its configuration says, as itself. */
export async function lookAtListeners(patient: Patient): Promise<Finding[]> {
  const { listeners } = patient.config
  const found = await Promise.all(listeners.map((listener) => lookAtListener(patient, listener)))
  const exposed = listeners.filter((one) => one.tls_certificate === undefined && !isOfThisMachine(one.host))
  return [...found.flat(), ...exposed.map(exposedFinding), ...nobodyServes(listeners)]
}

async function lookAtListener(patient: Patient, listener: Listener): Promise<Finding[]> {
  const url = urlOf(listener)
  const check = 'listener'
  if (url === undefined) return [skipped(check, `${listener.host}:0 is a port that the system chooses`)]
  const serves = listener.serves.join(', ')
  if (listener.tls_certificate !== undefined) {
    const { hostname, port } = new URL(url)
    const { dialing, ca, serverName: name } = patient
    const look = await lookAtTls({ hostname, port: Number(port), name, ca, dialing: { lookup: dialing.lookup }, timeoutMs: patienceMs })
    return [look.ok ? ok(check, `${url} answers over ${look.protocol} (${serves})`) : silent(patient, url, look.words)]
  }
  const ask = (path: string) => patient.egress.request({ url: url + path, allowPrivate: true, timeoutMs: patienceMs, limit: 65_536 })
  const health = await ask('/health')
  if (!health.ok) return [silent(patient, url, health.words)]
  if (!listener.serves.includes('federation')) return [ok(check, `${url} answers (${serves})`)]
  const keys = await patient.egress.fetchJson({
    url: `${url}/_matrix/key/v2/server`,
    allowPrivate: true,
    timeoutMs: patienceMs,
    limit: 65_536,
  })
  return [ok(check, `${url} answers (${serves})`), keysFinding(patient, 'running server', url, keys)]
}

function silent({ file }: Patient, url: string, words: string): Finding {
  return wrong(
    'listener',
    `nothing of this server answers at ${url}: ${words}`,
    `Start it: npm start. Where it runs, it does so with another configuration than ${file ?? 'the default'}.`,
  )
}

/** Whether what answers is this server: under its name and with the key that is on the disk. */
export function keysFinding(patient: Patient, check: string, where: string, answer: Answer<JsonObject> | Failure): Finding {
  const { key, serverName } = patient
  if (!answer.ok) return wrong(check, `${where} does not tell its keys: ${answer.words}`, 'Look into the log of the server.')
  if (answer.status !== 200) {
    return wrong(
      check,
      `${where} answers ${answer.status} when asked for its keys`,
      'A listener has to serve federation, and the reverse proxy has to forward /_matrix/key:',
      '  listeners: [{ serves: [client, media, federation] }]',
    )
  }
  const said = answer.body['server_name']
  if (typeof said === 'string' && said !== serverName) {
    return wrong(
      check,
      `${where} is the server ${said.slice(0, 255)}, not ${serverName}`,
      `Compare server_name, and where the reverse proxy leads to.`,
    )
  }
  const checked = checkServerKeys(answer.body, serverName)
  if (checked === undefined)
    return wrong(
      check,
      `what ${where} says of its keys is not signed as it should be`,
      'Something on the way changes answers: a reverse proxy or a filter must leave the bytes of /_matrix alone.',
    )
  if (checked.validUntil < patient.now())
    return wrong(
      check,
      `the keys of ${where} are valid until a time that has passed`,
      'The clock of the server is behind: timedatectl set-ntp true',
    )
  if (key === undefined)
    return skipped(
      check,
      `${where} signs with ${checked.keys.map(({ keyId }) => keyId).join(', ')}; there is no key on the disk to compare it with`,
    )
  return signingFinding(patient, check, where, key, checked)
}

/** What somebody says it signs with, beside the key on the disk. */
function signingFinding({ config, former }: Patient, check: string, where: string, key: SigningKey, { keys }: ServerKeys): Finding {
  const file = config.signing_key_path
  const same = keys.find(({ keyId }) => keyId === key.keyId)
  const inUse = keys.filter(({ isOld }) => !isOld)
  const signsWith = `${where} signs with ${inUse.map(({ keyId }) => keyId).join(', ')}`
  const old = keys.filter(({ isOld }) => isOld)
  if (same === undefined && inUse.every((one) => former.some(({ keyId, key: before }) => keyId === one.keyId && before === one.key))) {
    return attention(
      check,
      `${signsWith} as yet, and ${file} has a newer key, ${key.keyId}`,
      'The server takes it up when it is started: end it and start it again (npm start), every process of it, each with this file.',
      'If it was started again since, an older copy of it answers there: two servers of one name must never run.',
    )
  }
  if (same?.key !== encodeBase64(key.publicKey)) {
    return wrong(
      check,
      `${signsWith}, and the key in ${file} is ${key.keyId}${same === undefined ? '' : ', another one of the same name'}`,
      'The file was changed after the start, or another server (an old one?) answers there. Give the right key back from the backup and start again; two servers of one name must never run.',
    )
  }
  if (same.isOld) {
    return wrong(
      check,
      `${signsWith} and has given up ${key.keyId}, the key in ${file}: nobody believes it any more`,
      'Give the newer file back from the backup, or make a new key and start the server again: npm run rotate-key',
    )
  }
  const before = old.length === 0 ? '' : `, and names ${old.length === 1 ? 'the one before' : `the ${old.length} before`} as old`
  return ok(check, `${where} signs with ${key.keyId}, the key on the disk${before}`)
}

function exposedFinding({ host, port }: Listener): Finding {
  return attention(
    'open listener',
    `${host}:${port} speaks plain HTTP to whoever reaches this machine`,
    'Behind a reverse proxy on this machine listen for it alone:',
    '  listeners: [{ host: 127.0.0.1 }]',
    'Where the proxy is on another machine or in a container, X-Forwarded-For is not believed and all clients count as one for the rate limits; keep others off the port with a firewall.',
  )
}

function nobodyServes(listeners: readonly Listener[]): Finding[] {
  if (listeners.some(({ serves }) => serves.includes('federation'))) return []
  return [
    attention(
      'listener',
      'none serves other servers',
      'Write federation among what a listener serves:',
      '  listeners: [{ serves: [client, media, federation] }]',
    ),
  ]
}

function isOfThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
