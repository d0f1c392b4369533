import { isPrivateAddress } from '../remote/private-address.ts'
import { attention, type Finding, ok, skipped, wrong } from './finding.ts'
import { isLiteral, type NameFacts, type WellKnownFile } from './look-at-name.ts'
import type { Patient } from './patient.ts'

/** What the DNS and the well-known file say of this server, and what others make of it. */
export function ownWay(patient: Patient, facts: NameFacts): Finding[] {
  if (facts.addresses?.failed !== undefined)
    return [...addressFinding(patient, facts), skipped('way here', 'without the DNS there is none')]
  return [...addressFinding(patient, facts), ...wellKnownFinding(patient, facts), ...servicesFinding(facts), placesFinding(facts)]
}

function addressFinding({ config }: Patient, { hostname, addresses, services }: NameFacts): Finding[] {
  const check = 'address'
  if (addresses === undefined) {
    return isPrivateAddress(hostname.replace(/^\[|\]$/g, '')) && !config.federation.allow_private_addresses
      ? [
          attention(
            check,
            `${hostname} is an address that others cannot reach`,
            'Choose a name, or an address of the public internet, before there are accounts.',
          ),
        ]
      : [ok(check, `${hostname} is an address itself`)]
  }
  const { found, failed } = addresses
  if (failed !== undefined)
    return [
      wrong(
        check,
        `${hostname} cannot be looked up: ${failed}`,
        'Look at the resolver of this machine (/etc/resolv.conf), or ask another one: npm run doctor -- --dns 1.1.1.1',
      ),
    ]
  if (found.length === 0) {
    const elsewhere = services !== undefined && services.found.length > 0
    const record = [
      `Write into the DNS zone, with the address of this server or of its reverse proxy:`,
      `  ${hostname}. 3600 IN A 203.0.113.7`,
    ]
    return [
      elsewhere
        ? ok(check, `${hostname} has none; its SRV records lead on`)
        : wrong(check, `${hostname} has no address in the DNS`, ...record),
    ]
  }
  const hidden = found.filter(isPrivateAddress)
  if (hidden.length === 0 || config.federation.allow_private_addresses) return [ok(check, `${hostname} is ${found.join(', ')}`)]
  return [
    attention(
      check,
      `${hostname} is ${hidden.join(', ')} as seen from here, which others cannot reach`,
      'Look at what the world outside is told: npm run doctor -- --dns 1.1.1.1',
    ),
  ]
}

function wellKnownFinding(patient: Patient, { wellKnown, hostname, delegated }: NameFacts): Finding[] {
  const check = 'well-known server'
  if (wellKnown === undefined) return [skipped(check, 'nobody asks for it where the name is an address or has a port')]
  const { url, fault, isAbsent } = wellKnown
  if (fault === undefined && delegated !== undefined) return [typeFinding(check, wellKnown) ?? ok(check, `${url} leads to ${delegated}`)]
  if (isAbsent) return [ok(check, `there is none at ${url}: others look for SRV records, then at port 8448`)]
  return [
    wrong(
      check,
      `${url} is of no use: ${fault}`,
      `Others then try SRV records and port 8448. Let it be answered with 200 and JSON, as this server does where it is asked for it:`,
      ...wellKnownSnippet(patient, hostname, wellKnown),
    ),
  ]
}

/** Most read it all the same; some do not. */
export function typeFinding(check: string, { url, answer }: WellKnownFile): Finding | undefined {
  const type = answer.ok ? String(answer.headers['content-type'] ?? 'nothing').slice(0, 60) : ''
  if (!answer.ok || type.startsWith('application/json')) return undefined
  return attention(
    check,
    `${url} is sent as ${type}, not as JSON, so that some do not read it`,
    'Where it is answered (nginx):',
    '  default_type application/json;',
  )
}

function wellKnownSnippet({ config }: Patient, hostname: string, { fault = '' }: WellKnownFile): string[] {
  const { hostname: host, port } = new URL(config.public_baseurl)
  const lines = [
    '  location = /.well-known/matrix/server {',
    '    default_type application/json;',
    `    return 200 '{"m.server": "${host}:${port || '443'}"}';`,
    '  }',
  ]
  return fault.includes('CERT') || fault.includes('certificate') ? [`First mend the certificate of https://${hostname}/.`, ...lines] : lines
}

function servicesFinding({ services, oldServices, delegated, hostname }: NameFacts): Finding[] {
  const check = 'SRV records'
  if (services === undefined || oldServices === undefined) return []
  const name = delegated ?? hostname
  if (services.failed !== undefined)
    return [
      attention(
        check,
        `_matrix-fed._tcp.${name} cannot be looked up: ${services.failed}`,
        'Look at the resolver of this machine, or ask another one: npm run doctor -- --dns 1.1.1.1',
      ),
    ]
  const [first] = services.found
  const [old] = oldServices.found
  if (first === undefined && old === undefined) return [ok(check, `there are none for ${name}: others go to port 8448`)]
  if (first === undefined && old !== undefined) {
    return [
      attention(
        check,
        `only the old _matrix._tcp.${name} is there, which newer servers may no longer look for`,
        'Write the same under its new name too:',
        `  _matrix-fed._tcp.${name}. 3600 IN SRV ${old.priority} ${old.weight} ${old.port} ${old.name}.`,
      ),
    ]
  }
  const useless = services.found.filter((one) => one.name === '' || one.name === '.' || isLiteral(one.name) || one.port === 0)
  if (useless.length > 0) {
    return [
      wrong(
        check,
        `_matrix-fed._tcp.${name} leads to ${useless.map((one) => `${one.name || '.'}:${one.port}`).join(', ')}, which is no host`,
        'An SRV record names a host that has an address, never an address itself:',
        `  _matrix-fed._tcp.${name}. 3600 IN SRV 10 5 8448 ${name}.`,
      ),
    ]
  }
  return [ok(check, `_matrix-fed._tcp.${name} leads to ${services.found.map((one) => `${one.name}:${one.port}`).join(', ')}`)]
}

function placesFinding({ places, serverName }: NameFacts): Finding {
  const check = 'way here'
  const [first] = places
  if (first === undefined)
    return wrong(check, `${serverName} leads nowhere`, 'Look at server_name: it is a host name, with a port or without.')
  const shown = places.map(({ origin }) => origin.replace('https://', '')).join(', then ')
  return ok(check, `others connect to ${shown} and expect a certificate for ${new URL(`https://${first.host}`).hostname}`)
}
