import type { Listener } from '../../config/schema.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { product } from '../http/version.ts'
import type { Answer, Failure } from '../remote/egress.ts'
import { isPrivateAddress } from '../remote/private-address.ts'
import { certificateFinding } from './certificate.ts'
import { attention, type Finding, ok, skipped, wrong } from './finding.ts'
import { type PlaceFacts, shownPlace } from './look-at-place.ts'
import { keysFinding } from './own-listeners.ts'
import { type Patient, patienceMs, proxySnippet } from './patient.ts'

/** What others meet where this server's name leads to. */
export async function ownPlace(patient: Patient, facts: PlaceFacts): Promise<Finding[]> {
  const { tls, version, keys, name, port } = facts
  if (!tls.ok) return [closedFinding(patient, facts, tls.words, tls.at)]
  const certificate = certificateFinding(tls, { name, now: patient.now(), file: listenerAt(patient, port)?.tls_certificate })
  const findings = [openFinding(patient, facts), ...silentFinding(facts), certificate]
  if (certificate.level === 'wrong' || version === undefined || keys === undefined) {
    return [...findings, skipped('answers', 'others end here, for the sake of the certificate')]
  }
  const answers = answersFinding(patient, facts, version)
  if (answers.level !== 'ok') return [...findings, answers]
  return [...findings, answers, keysFinding(patient, 'keys', shownPlace(facts), keys), await slashFinding(patient, facts)]
}

const notFromInside =
  'Some routers do not lead back to this machine from inside: then another server can tell, with npm run doctor -- matrix.org'

function listenerAt({ config }: Patient, port: number): Listener | undefined {
  return config.listeners.find((one) => one.port === port && one.tls_certificate !== undefined)
}

function openFinding({ config }: Patient, facts: PlaceFacts): Finding {
  const hidden = facts.addresses.found.filter(isPrivateAddress)
  const words = `${shownPlace(facts)} (${facts.addresses.found.join(', ') || 'no address'}) answers`
  if (hidden.length === 0 || config.federation.allow_private_addresses) return ok('port', words)
  return attention(
    'port',
    `${words}, at an address of this network alone`,
    `Whether it is reached from outside cannot be seen from here: let another server look, with npm run doctor -- matrix.org`,
  )
}

function silentFinding({ silent, hostname, port }: PlaceFacts): Finding[] {
  if (silent.length === 0) return []
  return [
    attention(
      'addresses',
      `of ${hostname} ${silent.map(({ address, words }) => `${address} does not answer at port ${port}: ${words}`).join('; ')}`,
      'Let the reverse proxy listen there too (nginx, for IPv6):',
      `  listen [::]:${port} ssl;`,
      'or take the record (A or AAAA) out of the DNS zone.',
    ),
  ]
}

function closedFinding({ config }: Patient, { hostname, port, addresses }: PlaceFacts, words: string, at: 'port' | 'tls'): Finding {
  const where = `${hostname}:${port}`
  if (at === 'tls') {
    return wrong(
      'port',
      `${where} answers, and not over TLS: ${words}`,
      'Other servers speak TLS alone. Let the reverse proxy end TLS there (nginx):',
      `  listen ${port} ssl;`,
      'or the listener itself:',
      `  listeners: [{ port: ${port}, tls_certificate: /PATH/fullchain.pem, tls_key: /PATH/privkey.pem }]`,
    )
  }
  if (addresses.failed !== undefined) return skipped('port', `${hostname} cannot be looked up`)
  if (addresses.found.length === 0) {
    // What to write for the server's own name was said with its address.
    if (hostname === config.server_name) return skipped('port', 'there is no address to connect to')
    return wrong(
      'port',
      `${hostname} has no address in the DNS`,
      'Write into the DNS zone, with the address of this server or of its reverse proxy:',
      `  ${hostname}. 3600 IN A 203.0.113.7`,
    )
  }
  const { hostname: base } = new URL(config.public_baseurl)
  return wrong(
    'port',
    `${where} cannot be connected to: ${words}`,
    `Let the reverse proxy listen there (nginx: listen ${port} ssl;), open TCP port ${port} in the firewall, and forward it in the router to this machine.`,
    ...(addresses.found.every((address) => !isPrivateAddress(address)) ? [notFromInside] : []),
    ...(port === 8448
      ? [
          `Or do without that port: answer https://${config.server_name.split(':')[0]}/.well-known/matrix/server with`,
          `  {"m.server": "${base}:443"}`,
        ]
      : []),
  )
}

function answersFinding(patient: Patient, facts: PlaceFacts, version: Answer<JsonObject> | Failure): Finding {
  const where = shownPlace(facts)
  const check = 'answers'
  if (!version.ok || version.status !== 200) {
    const words = version.ok ? `it answers ${version.status}` : version.words
    return wrong(
      check,
      `/_matrix is not forwarded from ${where} to this server: ${words}`,
      `Let the reverse proxy of ${facts.name} forward it (nginx):`,
      ...proxySnippet(patient.config),
    )
  }
  const server = version.body['server']
  const name = isJsonObject(server) ? String(server['name']).slice(0, 60) : 'something else'
  const release = isJsonObject(server) ? String(server['version']).slice(0, 60) : ''
  if (name !== product.name) {
    return wrong(
      check,
      `${where} is ${name} ${release}, not this server`,
      'The name leads to another server: correct the well-known file, the SRV record or the reverse proxy.',
      ...proxySnippet(patient.config),
    )
  }
  if (release === product.version) return ok(check, `${where} is ${name} ${release}`)
  return attention(
    check,
    `${where} is ${name} ${release}, and what is installed here is ${product.version}`,
    'Start it again, so that what was installed runs.',
  )
}

/** A key id with slashes, which is answered as long as they arrive as they were sent. */
async function slashFinding({ egress }: Patient, facts: PlaceFacts): Promise<Finding> {
  const url = `${facts.place.origin}/_matrix/key/v2/server/ed25519%3Aa%2F%2Fb`
  const answer = await egress.fetchJson({
    url,
    headers: { Host: facts.place.host },
    limit: 65_536,
    timeoutMs: patienceMs,
    allowPrivate: true,
  })
  if (answer.ok && answer.status === 200) return ok('addresses as sent', 'slashes written %2F arrive so')
  return slashFault(shownPlace(facts))
}

export function slashFault(where: string): Finding {
  return wrong(
    'addresses as sent',
    `slashes written %2F do not arrive so at ${where}: the reverse proxy changes them, and signatures of other servers no longer fit`,
    'nginx: proxy_pass without a path and without a slash at its end:',
    '  proxy_pass http://127.0.0.1:8008;',
    'Apache:',
    '  AllowEncodedSlashes NoDecode',
    '  ProxyPass /_matrix http://127.0.0.1:8008/_matrix nocanon',
  )
}
