import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installed } from '../clients/site.ts'
import { writeCertificate } from '../support/certificates.ts'
import type { Files } from '../support/peers/tls-server.ts'
import { freePort, type Running, startProcess, startServer, temporaryFolder } from '../support/processes.ts'
import { type Cable, layCable } from './cable.ts'
import { type Home, type Person, register } from './person.ts'

const python = join(installed, 'synapse', 'bin', 'python')
const dendrite = join(process.env['DENDRITE_BIN'] ?? '', 'dendrite')

/** The homeservers that Tombolo is put beside: Synapse, and Dendrite where `DENDRITE_BIN` names a folder that has one. */
export const others: readonly Other[] = process.env['DENDRITE_BIN'] && existsSync(dendrite) ? ['synapse', 'dendrite'] : ['synapse']
export type Other = 'synapse' | 'dendrite'

if (others.length === 1) process.stdout.write('  The specs with Dendrite are skipped: DENDRITE_BIN names none (spec/peers/README.md).\n')

/** A homeserver's process, whose name leads other servers to it over a cable. */
export type Homeserver = Home & {
  /** No other server reaches it until the cable is mended; it reaches others. */
  readonly cable: Pick<Cable, 'cut' | 'mend'>
  register(name: string): Promise<Person>
  /** Where it keeps what it has. */
  readonly folder: string
  /** What it said since it started. */
  log(): string
}
/** The pair, and the certificate under which both are believed, as is any other server of this machine. */
export type Pair = { readonly tombolo: Homeserver; readonly other: Homeserver; readonly files: Files }

/** What says whether another server is there. */
const tried: Readonly<Record<Other, readonly [program: string, ...args: string[]]>> = {
  synapse: [python, '-c', 'import synapse.app.homeserver'],
  dendrite: [dendrite, '-version'],
}

function isInstalled(other: Other): boolean {
  const [program, ...args] = tried[other]
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

type Place = { folder: string; serverName: string; client: number; federation: number; certificate: string; key: string }

const pairs = new Map<Other, Promise<Pair> | 'none'>()

/**
 * Tombolo and another, which reach each other over TLS under one authority: the same two for all specs of a run, whose end ends them.
 * Skips the suite, with a line, where the other is not installed.
 */
export function findPair(context: Mocha.Context, other: Other): Promise<Pair> {
  let pair = pairs.get(other)
  if (pair === undefined) {
    pair = isInstalled(other) ? startPair(other) : 'none'
    pairs.set(other, pair)
    if (pair === 'none') process.stdout.write(`  The specs with ${other} are skipped: it is not installed (spec/peers/README.md).\n`)
  }
  return pair === 'none' ? context.skip() : pair
}

async function startPair(kind: Other): Promise<Pair> {
  const folder = temporaryFolder(`tombolo-and-${kind}`)
  const files = writeCertificate(folder)
  const [tombolo, other] = await Promise.all([open('tombolo', folder, files), open(kind, folder, files)])
  return { tombolo, other, files }
}

const start = { tombolo: startTombolo, synapse: startSynapse, dendrite: startDendrite }

async function open(kind: Homeserver['kind'], parent: string, files: { certificate: string; key: string }): Promise<Homeserver> {
  const folder = join(parent, kind)
  mkdirSync(folder, { mode: 0o700 })
  const [client, federation] = [await freePort(), await freePort()]
  const cable = await layCable(federation)
  const serverName = `localhost:${cable.port}`
  const place = { folder, serverName, client, federation, ...files }
  const running = await start[kind](place)
  const url = `http://127.0.0.1:${client}`
  const asked = { register: (name: string) => register(homeserver, name), log: running.output }
  const homeserver: Homeserver = { kind, serverName, url, cable, folder, ...asked }
  return homeserver
}

function startTombolo({ folder, serverName, client, federation, certificate, key }: Place): Promise<Running> {
  const config = {
    server_name: serverName,
    public_baseurl: `http://127.0.0.1:${client}/`,
    data_dir: join(folder, 'data'),
    listeners: [
      { serves: ['client', 'media', 'federation'], host: '127.0.0.1', port: client },
      { serves: ['federation'], host: '127.0.0.1', port: federation, tls_certificate: certificate, tls_key: key },
    ],
    registration: { open: true },
    federation: { ca_file: certificate, allow_private_addresses: true, list_public_rooms: true },
    ...{ rate_limits: 'off', password_hashing: 'fast', room_list_publish: 'anyone' },
  }
  mkdirSync(config.data_dir, { mode: 0o700 })
  const file = join(folder, 'tombolo.yaml')
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  return startServer(file, { log: join(folder, 'log'), ready: { line: /is ready at/ } })
}

const unlimited = { per_second: 9999, burst_count: 9999 }

/** Its defaults, but for limits, for how soon it tries a server again, and for what it needs to reach servers on this machine. */
function startSynapse({ folder, serverName, client, federation, certificate, key }: Place): Promise<Running> {
  const resources = (names: string[]) => ({ type: 'http', bind_addresses: ['127.0.0.1'], resources: [{ names }] })
  const config = {
    server_name: serverName,
    public_baseurl: `http://127.0.0.1:${client}/`,
    ...{ pid_file: join(folder, 'pid'), media_store_path: join(folder, 'media'), signing_key_path: join(folder, 'signing.key') },
    ...{ report_stats: false, trusted_key_servers: [], suppress_key_server_warning: true, log_config: join(folder, 'log.yaml') },
    ...{ tls_certificate_path: certificate, tls_private_key_path: key, federation_custom_ca_list: [certificate] },
    database: { name: 'sqlite3', args: { database: join(folder, 'synapse.db') } },
    listeners: [
      { port: client, ...resources(['client', 'federation']) },
      { port: federation, tls: true, ...resources(['federation']) },
    ],
    ...{ enable_registration: true, enable_registration_without_verification: true, macaroon_secret_key: 'm', form_secret: 'f' },
    ...{ bcrypt_rounds: 4, ip_range_blacklist: [], room_list_publication_rules: [{ action: 'allow' }] },
    ...{ allow_public_rooms_over_federation: true, caches: { sync_response_cache_duration: 0 } },
    federation: { destination_min_retry_interval: 200, destination_max_retry_interval: 1000, max_short_retries: 0, max_long_retries: 0 },
    ...{ rc_message: unlimited, rc_registration: unlimited, rc_joins_per_room: unlimited, rc_room_creation: unlimited },
    rc_login: { address: unlimited, account: unlimited, failed_attempts: unlimited },
    rc_joins: { local: unlimited, remote: unlimited },
    rc_invites: { per_room: unlimited, per_user: unlimited, per_issuer: unlimited },
    rc_federation: { window_size: 1000, sleep_limit: 99999, sleep_delay: 1, reject_limit: 99999, concurrent: 50 },
    federation_rr_transactions_per_room_per_second: 9999,
  }
  const formatters = { line: { format: '%(asctime)s %(levelname)s %(name)s %(message)s' } }
  const handlers = { out: { class: 'logging.StreamHandler', formatter: 'line' } }
  const log = { version: 1, formatters, handlers, root: { level: 'INFO', handlers: ['out'] }, disable_existing_loggers: false }
  writeFileSync(config.log_config, JSON.stringify(log))
  // Written here it saves starting Python a second time.
  const seed = randomBytes(32).toString('base64').replaceAll('=', '')
  writeFileSync(config.signing_key_path, `ed25519 a_spec ${seed}\n`, { mode: 0o600 })
  const file = join(folder, 'synapse.yaml')
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  const ready = { url: `http://127.0.0.1:${client}/_matrix/client/versions` }
  return startProcess({ command: python, args: ['-m', 'synapse.app.homeserver', '-c', file], log: join(folder, 'log'), ready })
}

/** Its defaults, but for limits, presence, and what it needs to reach servers on this machine. */
function startDendrite({ folder, serverName, client, federation, certificate, key }: Place): Promise<Running> {
  const stored = (name: string) => ({ database: { connection_string: `file:${join(folder, name)}.db` } })
  const config = {
    version: 2,
    global: {
      ...{ server_name: serverName, private_key: join(folder, 'signing.pem'), presence: { enable_inbound: true, enable_outbound: true } },
      jetstream: { storage_path: join(folder, 'jetstream') },
    },
    client_api: { registration_disabled: false, rate_limiting: { enabled: false } },
    federation_api: { ...stored('federation'), key_perspectives: [], deny_networks: [] },
    media_api: { ...stored('media'), base_path: join(folder, 'media') },
    room_server: stored('rooms'),
    sync_api: stored('sync'),
    key_server: stored('keys'),
    relay_api: stored('relay'),
    mscs: { ...stored('mscs'), mscs: [] },
    user_api: { account_database: stored('accounts').database, bcrypt_cost: 4 },
    logging: [{ type: 'std', level: 'info' }],
  }
  const seed = randomBytes(32).toString('base64')
  const pem = ['-----BEGIN MATRIX PRIVATE KEY-----', 'Key-ID: ed25519:spec', '', seed, '-----END MATRIX PRIVATE KEY-----', '']
  writeFileSync(config.global.private_key, pem.join('\n'), { mode: 0o600 })
  const file = join(folder, 'dendrite.yaml')
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  const listeners = ['-http-bind-address', `127.0.0.1:${client}`, '-https-bind-address', `127.0.0.1:${federation}`]
  return startProcess({
    command: dendrite,
    args: ['-config', file, '-really-enable-open-registration', ...listeners, '-tls-cert', certificate, '-tls-key', key],
    env: { SSL_CERT_FILE: certificate },
    cwd: folder,
    log: join(folder, 'log'),
    ready: { url: `http://127.0.0.1:${client}/_matrix/client/versions` },
  })
}
