import './kit/matrix/quiet.ts'
import { loadBridge, networks } from '../config/bridge-schema.ts'
import { connectors } from './connectors.ts'
import { startBridge } from './kit/bridge.ts'
import { createLog } from './kit/log.ts'
import { readRegistration } from './kit/matrix/registration.ts'

const usage = `usage: node bridges/main.ts ${networks.join('|')} --config FILE`

function fail(words: string, code: number): never {
  process.stderr.write(`${words}\n`)
  process.exit(code)
}

/** Runs the bridge of one network; prints `{"url":…}` when it listens, ends cleanly on SIGTERM. */
async function main([name, ...argv]: readonly string[]): Promise<void> {
  const network = networks.find((known) => known === name) ?? fail(usage, 2)
  const { config, warnings } = loadBridge({ argv, env: process.env })
  const log = createLog(config.log.level, (line) => void process.stderr.write(line))
  for (const warning of warnings) log('warn', warning)
  const { graph, hub, late, server_name: serverName } = config
  const settings = {
    baseUrl: graph.base_url,
    version: graph.version,
    appSecret: graph.app_secret ?? '',
    verifyToken: graph.verify_token ?? '',
  }
  const invite = hub.invite.length > 0 ? hub.invite : networks.map((other) => `@_${other}_bot:${serverName}`)
  const bridge = await startBridge({
    connector: connectors[network](settings),
    homeserverUrl: config.homeserver_url,
    serverName,
    registration: readRegistration(config.registration_file),
    dataDir: config.data_dir,
    listen: config.listen,
    secrets: graph.access_token ? { account: graph.account_id, accessToken: graph.access_token } : undefined,
    owner: config.owner || undefined,
    hub:
      hub.enabled && hub.alias
        ? { alias: hub.alias, name: hub.name, consent: hub.consent, invite: [...invite, ...(config.owner ? [config.owner] : [])] }
        : undefined,
    coalesceMs: hub.coalesce,
    late: { messages: late.messages, keepMs: late.keep, humanAgent: late.human_agent },
    permissions: config.permissions,
    pace: config.pace,
    log,
  })
  process.stdout.write(`${JSON.stringify({ ready: true, url: bridge.url })}\n`)
  let ending = false
  const end = () => {
    if (ending) return
    ending = true
    bridge.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error instanceof Error ? error.message : 'could not end cleanly', 1),
    )
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}

main(process.argv.slice(2)).catch((error: unknown) => fail(error instanceof Error ? error.message : 'could not start', 1))
