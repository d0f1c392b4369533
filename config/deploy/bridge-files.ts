import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import type { Network } from '../bridge-schema.ts'
import { writeOnce } from '../write-once.ts'

type Registration = { url: string; namespaces: unknown }

const secret = () => randomBytes(32).toString('base64url')
const note =
  '# Made at the first start. The homeserver and the bridge both read it; whoever knows the tokens can speak for every user of the bridge.\n'

/** Where a bridge's two files stand below the data folder. */
export function bridgeFiles(data: string, network: Network): { registration: string; config: string; folder: string } {
  const folder = join(data, 'bridges', network)
  return { registration: join(data, 'registrations', `${network}.yaml`), config: join(data, 'bridges', `${network}.yaml`), folder }
}

/** Makes a bridge's registration and configuration where they are missing, for their owner's eyes; tokens are random and stay. */
export function prepareBridge(data: string, network: Network, port: number): void {
  const { registration, config } = bridgeFiles(data, network)
  writeOnce(registration, note + stringify(newRegistration(network, port)))
  writeOnce(config, newConfig(network, new URL((parse(readFileSync(registration, 'utf8')) as Registration).url).port))
}

/** Namespaces carry the server's name, which may be chosen after the first start. */
export function nameServer(data: string, network: Network, serverName: string): void {
  const { registration } = bridgeFiles(data, network)
  const written: Registration = parse(readFileSync(registration, 'utf8'))
  const namespaces = namespacesOf(network, serverName)
  if (JSON.stringify(written.namespaces) === JSON.stringify(namespaces)) return
  writeFileSync(`${registration}.new`, note + stringify({ ...written, namespaces }), { mode: 0o600 })
  renameSync(`${registration}.new`, registration)
}

export function isPrepared(data: string, network: Network): boolean {
  return existsSync(bridgeFiles(data, network).registration)
}

function namespacesOf(network: Network, serverName: string) {
  const server = serverName.replace(/[.[\]]/g, '\\$&')
  const named = (sigil: string) => [{ exclusive: true, regex: `${sigil}_${network}_.*:${server}` }]
  return { users: named('@'), aliases: named('#'), rooms: [] }
}

/** https://spec.matrix.org/v1.19/application-service-api/#registration, with the flags of MSC2409, MSC3202 and MSC4190. */
function newRegistration(network: Network, port: number) {
  return {
    id: `tombolo-${network}`,
    url: `http://127.0.0.1:${port}`,
    as_token: secret(),
    hs_token: secret(),
    sender_localpart: `_${network}_bot`,
    namespaces: namespacesOf(network, 'localhost'),
    protocols: [network],
    rate_limited: false,
    receive_ephemeral: true,
    'de.sorunome.msc2409.push_ephemeral': true,
    'org.matrix.msc3202': true,
    'io.element.msc4190': true,
  }
}

function newConfig(network: Network, port: string): string {
  return [
    '# What is not written here has its default: config/deploy/bridge.example.yaml in the project lists every key.',
    `# homeserver_url and server_name are the server's own while npm start runs both.`,
    `data_dir: ${network}`,
    `registration_file: ../registrations/${network}.yaml`,
    'listen:',
    `  port: ${port}`,
    'graph:',
    '  # The network calls https://YOUR-HOST/webhook with this word when you set up the webhook. With an access token here the sandbox is left out.',
    `  verify_token: ${secret()}`,
    '  # app_secret:',
    '  # access_token:',
    "  # account_id: ''",
    '',
  ].join('\n')
}
