import { isJsonObject, type JsonObject } from '../core/json.ts'
import type { Answer, Failure } from '../remote/egress.ts'
import { attention, type Finding, ok, skipped, wrong } from './finding.ts'
import { addressesOf, fetchFile, isLiteral, type WellKnownFile } from './look-at-name.ts'
import { slashFault } from './own-place.ts'
import { typeFinding } from './own-way.ts'
import { type Patient, patienceMs, proxySnippet } from './patient.ts'

const corsHeader = 'access-control-allow-origin'
/** More than what reverse proxies let through unless they are told. */
const largeBody = 2 * 1024 * 1024

/** What a client meets that knows no more than somebody's user id. */
export async function lookAsClient(patient: Patient, hostname: string): Promise<Finding[]> {
  const { config, egress } = patient
  const base = config.public_baseurl
  const at = new URL(base).hostname
  const failed = isLiteral(at) ? undefined : (await addressesOf(patient, at)).failed
  if (failed !== undefined) return [skipped('clients', `${at} cannot be looked up: ${failed}`)]
  const [file, versions] = await Promise.all([
    isLiteral(hostname) ? undefined : fetchFile(patient, hostname, 'client', true),
    egress.fetchJson({ url: `${base}_matrix/client/versions`, timeoutMs: patienceMs, allowPrivate: true }),
  ])
  const answers = versionsFinding(patient, versions)
  const found = [fileFinding(patient, file), answers]
  if (answers.level === 'wrong') return found
  return [...found, ...(await Promise.all([slashFinding(patient), largeFinding(patient), adminFinding(patient)])).flat()]
}

function fileFinding({ config }: Patient, file: WellKnownFile | undefined): Finding {
  const check = 'well-known client'
  if (file === undefined) return skipped(check, 'nobody asks for it where the name is an address')
  const base = config.public_baseurl
  const snippet = [
    '  location = /.well-known/matrix/client {',
    '    default_type application/json;',
    '    add_header Access-Control-Allow-Origin *;',
    `    return 200 '{"m.homeserver": {"base_url": "${base}"}}';`,
    '  }',
  ]
  if (file.isAbsent) {
    return attention(
      check,
      `there is none at ${file.url}: people have to tell their client ${base}`,
      'Answer it (nginx), or forward it to this server, which does:',
      ...snippet,
    )
  }
  if (file.fault !== undefined || !file.answer.ok)
    return wrong(check, `${file.url} is of no use: ${file.fault}`, 'Clients give up there. Answer it with 200 and JSON:', ...snippet)
  const said = baseUrlOf(file.content)
  if (new URL(said).href.replace(/\/$/, '') !== new URL(base).href.replace(/\/$/, '')) {
    return wrong(
      check,
      `${file.url} leads to ${said}, and public_baseurl is ${base}`,
      'Let both say the same:',
      `  public_baseurl: ${said}`,
    )
  }
  const cors = file.answer.headers[corsHeader]
  if (cors !== '*') {
    const words =
      cors === undefined ? 'has no Access-Control-Allow-Origin' : `says Access-Control-Allow-Origin: ${String(cors).slice(0, 60)}`
    return wrong(
      check,
      `${file.url} ${words}: clients in a browser cannot read it`,
      'Where it is answered, write once (nginx):',
      '  add_header Access-Control-Allow-Origin *;',
    )
  }
  return typeFinding(check, file) ?? ok(check, `${file.url} leads to ${said}`)
}

function baseUrlOf(content: JsonObject | undefined): string {
  const homeserver = content?.['m.homeserver']
  return isJsonObject(homeserver) ? String(homeserver['base_url']) : ''
}

function versionsFinding({ config }: Patient, answer: Answer<JsonObject> | Failure): Finding {
  const check = 'clients'
  const base = config.public_baseurl
  const isRight = answer.ok && answer.status === 200 && Array.isArray(answer.body['versions'])
  if (!isRight) {
    const words = answer.ok ? `it answers ${answer.status}` : answer.words
    return wrong(
      check,
      `no client gets through to this server at ${base}: ${words}`,
      'Set public_baseurl to where the reverse proxy answers, and let it forward /_matrix (nginx):',
      ...proxySnippet(config),
    )
  }
  const cors = answer.headers[corsHeader]
  if (cors === '*') return ok(check, `${base} answers`)
  const words =
    cors === undefined ? 'without Access-Control-Allow-Origin' : `with Access-Control-Allow-Origin: ${String(cors).slice(0, 60)}`
  return wrong(
    check,
    `${base} answers ${words}: clients in a browser cannot read that`,
    'This server sets that header itself. Take add_header Access-Control-Allow-Origin and proxy_hide_header out of the reverse proxy below /_matrix.',
  )
}

/**
 * An alias that is as long as one may be once its slashes are read, and too long where they are not: "no such alias" tells that they arrived as they
 * were sent, once and not twice.
 */
async function slashFinding({ config, egress, serverName }: Patient): Promise<Finding[]> {
  const alias = `${'/'.repeat(40)}${'x'.repeat(Math.max(0, 210 - serverName.length))}:${serverName}`
  const url = `${config.public_baseurl}_matrix/client/v3/directory/room/${encodeURIComponent(`#${alias}`)}`
  const answer = await egress.fetchJson({ url, timeoutMs: patienceMs, allowPrivate: true })
  if (answer.ok && (answer.body['errcode'] === 'M_NOT_FOUND' || answer.status === 200))
    return [ok('paths', 'slashes written %2F arrive so')]
  return [{ ...slashFault(config.public_baseurl), check: 'paths' }]
}

async function largeFinding({ config, egress }: Patient): Promise<Finding[]> {
  if (config.media.max_upload_size < largeBody) return []
  const url = `${config.public_baseurl}_matrix/client/v3/login`
  const body = `{"type":"m.login.none","filler":"${'x'.repeat(largeBody)}"}`
  const answer = await egress.request({
    url,
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body,
    timeoutMs: patienceMs * 2,
    allowPrivate: true,
  })
  const check = 'large files'
  const isOurs = answer.ok && String(answer.headers['content-type']).startsWith('application/json')
  if (!answer.ok) return [skipped(check, `what is too large for a reverse proxy cannot be told: ${answer.words}`)]
  if (answer.status !== 413 || isOurs) return [ok(check, 'requests of more than 2 MiB get through')]
  const megabytes = Math.ceil(config.media.max_upload_size / 1024 ** 2)
  return [
    wrong(
      check,
      '2 MiB do not get through the reverse proxy',
      `Files of ${megabytes} MiB may be sent here. nginx:`,
      `  client_max_body_size ${megabytes}m;`,
    ),
  ]
}

async function adminFinding({ config, egress }: Patient): Promise<Finding[]> {
  const check = 'administration'
  const url = `${config.public_baseurl}_synapse/admin/v1/federation/destinations`
  const answer = await egress.fetchJson({ url, timeoutMs: patienceMs, allowPrivate: true })
  const isOpen = answer.ok && answer.body['errcode'] === 'M_MISSING_TOKEN'
  if (!isOpen) return [ok(check, 'is not offered to the world')]
  if (isAtHome(config.public_baseurl)) return [ok(check, 'is offered on this machine')]
  return [
    attention(
      check,
      `${config.public_baseurl}_synapse/admin is offered to the world`,
      "Forward /_matrix and /.well-known/matrix alone. On a listener that the world reaches leave 'admin' out:",
      '  listeners: [{ serves: [client, media, federation] }]',
    ),
  ]
}

function isAtHome(base: string): boolean {
  const { hostname } = new URL(base)
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}
