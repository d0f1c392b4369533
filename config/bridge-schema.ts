import { choice, duration, flag, group, integer, listOf, optional, path, secret, text, url, type ValuesOf } from './key.ts'
import { type Loaded, loadWith, readArguments } from './load.ts'

export const networks = ['whatsapp', 'messenger', 'instagram'] as const
export type Network = (typeof networks)[number]

const anOwner = { pattern: /^(?:@[^:\s]{1,200}:\S{1,230})?$/, expects: 'a user id such as @alice:example.org' }
const anAlias = { pattern: /^(?:#[^:\s]{1,200}:\S{1,230})?$/, expects: 'a room alias such as #shop:example.org' }

const aUser = text('', '', { pattern: /^(?:\*|@[^:\s]{1,200}:\S{1,230})$/, expects: 'a user id such as @alice:example.org, or *' })

/** The configuration of one bridge process. */
export const bridgeSchema = {
  homeserver_url: url('Where the homeserver is reached.', 'http://localhost:8008/'),
  server_name: text('The part behind the colon in user ids.', 'localhost'),
  registration_file: path("The bridge's registration, the same file that the homeserver has in appservice_files.", 'registration.yaml'),
  data_dir: path('The folder for everything the bridge keeps.', 'data'),
  listen: group('Where the homeserver (application-service API) and the network (webhooks) reach the bridge.', {
    host: text('The address to listen on.', '127.0.0.1'),
    port: integer('The port; 0 takes a free one.', 0, { from: 0, to: 65535 }),
  }),
  graph: group("Meta's Graph API. Without an access token the sandbox takes its place.", {
    base_url: url('Where the API is.', 'https://graph.facebook.com/'),
    version: text('The version of the API.', 'v25.0', { pattern: /^v\d{2}\.\d$/, expects: 'a version such as v25.0' }),
    app_secret: optional(secret, 'The secret of the app, which signs webhooks.'),
    verify_token: optional(secret, 'The word that proves a webhook is being set up by you; choose any.'),
    access_token: optional(secret, 'The token of the WhatsApp number, page or Instagram account.'),
    account_id: text('The id of the WhatsApp phone number, page or Instagram account.', ''),
  }),
  owner: text(
    'The Matrix user who is invited into every room that the bridge makes, such as @alice:example.org. Empty: the first local user who writes to the bot.',
    '',
    anOwner,
  ),
  permissions: group('Who may use the bridge by writing to its bot. Users of other servers and people of the networks never may.', {
    users: listOf('Who may log in accounts of their own and use them: user ids, or * for every user of this homeserver.', ['*'], aUser),
    admins: listOf('Who may see and change all accounts, chats and hubs; the owner may too.', [], aUser),
  }),
  hub: group('Rooms that are shared by several networks.', {
    enabled: flag("Carry hub rooms to this network's people.", true),
    alias: text(
      'The room into which all chats of this account are joined; set it only with the consent of those who write there.',
      '',
      anAlias,
    ),
    consent: choice(
      'configured: everybody who writes to the account is in the room, as its owner has agreed with them; ask: each person is asked first.',
      'configured',
      ['configured', 'ask'],
    ),
    name: text('What the room is called; used by the bridge that makes it.', 'Shared room'),
    invite: listOf('Who is invited when it is made; empty: the bots of the three bridges, and the owner.', [], text('', '', anOwner)),
    coalesce: duration('Texts of one person that follow one another within this time bear their name once; 0s: each does.', '0s'),
  }),
  late: group('What is written to somebody after the network has stopped taking answers to them, 24 hours after they wrote.', {
    messages: choice('keep: it goes out when they write again; refuse: it is said that it was not sent.', 'keep', ['keep', 'refuse']),
    keep: duration('For how long it is kept.', '72h'),
    human_agent: flag(
      'Messenger and Instagram: answer for 7 days as a human agent. Only for apps to which Meta has granted that, and where humans answer.',
      false,
    ),
  }),
  pace: flag(
    'Send no faster than the network documents that it takes messages. What it says itself about its limits is heeded anyway.',
    true,
  ),
  log: group('What the bridge says about itself.', {
    level: text('error, warn, info or debug.', 'info', { pattern: /^(error|warn|info|debug)$/, expects: 'error, warn, info or debug' }),
  }),
}

/** A bridge's configuration, whole: every key has its value, paths are absolute. */
export type BridgeConfig = ValuesOf<typeof bridgeSchema>
export const bridgeVariables = 'TOMBOLO_BRIDGE_'

/**
 * A bridge's configuration from `--config FILE`, the environment (TOMBOLO_BRIDGE_…) and `-O key=value`. The arguments are those after the network's name.
 * Throws a ConfigError.
 */
export function loadBridge({
  argv,
  env,
}: {
  argv: readonly string[]
  env: Readonly<Record<string, string | undefined>>
}): Loaded<BridgeConfig> {
  const { file, overrides, checkOnly } = readArguments(argv)
  return { ...loadWith(bridgeSchema, { file, overrides, env, prefix: bridgeVariables }), file, checkOnly }
}
