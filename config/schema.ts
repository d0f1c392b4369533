import { choice, duration, flag, group, integer, listOf, optional, path, secret, size, text, url, type ValuesOf } from './key.ts'
import { rateLimits } from './rate-limits.ts'
import { records } from './resolve.ts'

const serverName = /^(?:\[[0-9a-fA-F:.]{2,45}\]|[0-9a-zA-Z.-]{1,230})(?::\d{1,5})?$/
const aServerName = { pattern: serverName, expects: 'a server name such as example.org' }

const turnUri = { pattern: /^turns?:\S{1,500}$/, expects: 'an address such as turn:turn.example.org' }

const listener = {
  serves: listOf(
    'What is offered there.',
    ['client', 'media', 'admin', 'federation'],
    choice('', 'client', ['client', 'media', 'admin', 'federation']),
  ),
  host: text('The address to listen on; 0.0.0.0 or :: for all of them.', '127.0.0.1'),
  port: integer('The port.', 8008, { from: 0, to: 65535 }),
  tls_certificate: optional(path, 'A PEM file with the certificate and its chain; without it the listener speaks plain HTTP.'),
  tls_key: optional(path, 'The PEM file of the key to the certificate.'),
}

const oldKey = {
  key_id: text('Its name.', '', { pattern: /^ed25519:[A-Za-z0-9_]{1,64}$/, expects: 'a name such as ed25519:a_1b2c3d' }),
  key: text('The public key in unpadded Base64.', '', { pattern: /^[A-Za-z0-9+/]{43}$/, expects: '43 characters of Base64' }),
  expired_ts: integer('When it was used last, in milliseconds since 1970; 0: what it signed is never to be believed.', 0, {
    from: 0,
    to: Number.MAX_SAFE_INTEGER,
  }),
}

const policy = {
  id: text('Its name among the policies, such as privacy_policy.', 'terms', {
    pattern: /^[a-z0-9_.-]{1,64}$/,
    expects: 'a name of a-z, 0-9 and _ . -',
  }),
  version: text('The version that is agreed to.', '1'),
  language: text('The language of the document.', 'en', { pattern: /^[a-zA-Z0-9-]{2,35}$/, expects: 'a language such as en' }),
  name: text('What people know it as.', 'Terms of use'),
  url: url('Where it is to be read.', ''),
}

const contact = {
  role: choice('What for.', 'm.role.admin', ['m.role.admin', 'm.role.security', 'm.role.moderator', 'm.role.dpo']),
  matrix_id: optional(text, 'A user id.'),
  email_address: optional(text, 'An address.'),
}

/** Every key of the server's configuration, in the order in which people meet them. Examples and the table in the handbook are made from this. */
export const schema = {
  server_name: text('The part behind the colon in user ids. It can never be changed.', 'localhost', aServerName),
  public_baseurl: url('Where clients reach this server. Empty: worked out from the server name and the listeners.', ''),
  data_dir: path('The folder for everything the server keeps.', 'data'),
  signing_key_path: path('The file with the key that signs events; made at the first start.', 'signing.key', 'data'),
  old_signing_keys: records(
    'Keys that this server signs with no more. Those of its own it remembers itself: this is for one that leaked, or of another program that had its name.',
    [],
    oldKey,
  ),
  database: group('Where events and accounts are kept.', {
    kind: choice('sqlite needs nothing else; postgres serves several processes.', 'sqlite', ['sqlite', 'postgres']),
    path: path('The SQLite file.', 'tombolo.db', 'data'),
    url: optional(secret, 'The PostgreSQL URL: postgresql://user:password@host/database'),
    synchronous: choice('full: acknowledged means on disk. normal: a power cut may lose the last moments.', 'full', ['full', 'normal']),
  }),
  listeners: records(
    'Where the server listens.',
    [{ serves: ['client', 'media', 'admin', 'federation'], host: '127.0.0.1', port: 8008 }],
    listener,
  ),
  default_room_version: text('The version of new rooms.', '12', { pattern: /^[a-z0-9.-]{1,32}$/, expects: "a room version such as '12'" }),
  registration: group('Who may make an account.', {
    open: flag('Anyone may, without asking.', false),
    token_required: flag('Whoever registers needs a token made by an administrator.', false),
    shared_secret: optional(secret, 'Whoever knows it may make accounts on the admin API.'),
    terms: records('Policies that whoever registers has to agree to.', [], policy),
  }),
  login_via_existing_session: group('Logging in on a new device with the help of another one, such as by QR code.', {
    enabled: flag('Sessions may get a token for it, after their user gave the password.', true),
    token_timeout: duration('How long such a token is good.', '5m'),
  }),
  rate_limits: choice('The limits on requests; off only behind something that has its own.', 'defaults', ['defaults', 'off']),
  ...rateLimits,
  well_known: group('What else is told about this server to those who know its name.', {
    support_page: optional(url, 'Where its users get help.'),
    support_contacts: records('Whom to turn to.', [], contact),
    policy_server_key: optional(text, 'The public key of the policy server of this name, in unpadded Base64.'),
  }),
  password_hashing: choice('fast is for tests: such passwords are easily guessed.', 'default', ['default', 'fast']),
  appservice_files: listOf('Registration files of application services, such as bridges.', [], path('', '')),
  presence: group('Who is online.', { enabled: flag('Tell others who is online.', true) }),
  log: group('What the server says about itself.', {
    level: choice('The least important kind of line that is written.', 'info', ['error', 'warn', 'info', 'debug']),
    format: choice('text for people, json for collectors.', 'text', ['text', 'json']),
  }),
  media: group('Files and pictures.', {
    max_upload_size: size('The largest upload.', '50M'),
    user_quota: optional(size, 'What one account may upload altogether, such as 10G.'),
    user_quota_per_day: optional(size, 'What one account may upload in a day.'),
    max_image_pixels: integer('Pictures with more pixels get no thumbnails.', 50_000_000, { from: 1, to: 200_000_000 }),
    store_path: path('The folder of the files.', 'media', 'data'),
    keep_remote: duration('How long a file of another server is kept here after it was last asked for.', '90d'),
    unauthenticated: flag('Also serve media at the old addresses, to anyone who knows the link.', false),
  }),
  federation: group('Talking to other servers.', {
    ca_file: optional(path, 'A PEM file with further certificate authorities to trust.'),
    allow_private_addresses: flag('May reach servers on private networks and on this machine.', false),
    list_public_rooms: flag('Other servers may list the rooms that this server publishes.', false),
    trusted_key_servers: listOf(
      'Servers asked for the keys of others that do not answer themselves, such as those that are gone; each learns which those are. [] for nobody.',
      ['matrix.org'],
      text('', '', aServerName),
    ),
    tell_device_names: flag('Other servers may see what users call their devices.', false),
  }),
  push: group('Push notifications.', { allow_private_addresses: flag('May reach push gateways on private networks.', false) }),
  url_preview: group('Previews of links.', {
    enabled: flag('Fetch pages to preview them.', false),
    allow_private_addresses: flag('May fetch from private networks.', false),
  }),
  server_notices: group('Messages from the server to its users.', {
    localpart: text('Whom they come from.', '_server', {
      pattern: /^[a-z0-9._=/+-]{1,200}$/,
      expects: 'the part of a user id before the colon',
    }),
    display_name: text('The name that people see.', 'Server notices'),
    room_name: text('What the rooms of such messages are called.', 'Server notices'),
  }),
  turn: group('Relays for calls between two people.', {
    uris: listOf('The addresses of the TURN server: turn:turn.example.org?transport=udp', [], text('', '', turnUri)),
    shared_secret: optional(secret, 'The secret that the TURN server was given; each user gets a password of their own for a while.'),
    username: optional(text, 'A name for all users, where there is no secret.'),
    password: optional(secret, 'Its password.'),
    lifetime: duration('How long a password is good.', '24h'),
  }),
  livekit_service_url: url('Where calls of several people are: the authorisation service of a LiveKit server. Empty: none.', ''),
  delayed_events: group('Events that are sent later.', { longest: duration('How much later at most.', '24h') }),
  room_list_publish: choice('Who may put rooms into the public list.', 'admins', ['admins', 'anyone', 'nobody']),
}

/** The server's configuration, whole: every key has its value. Sizes are bytes, times are milliseconds, paths are absolute. */
export type Config = ValuesOf<typeof schema>
export type Listener = Config['listeners'][number]
