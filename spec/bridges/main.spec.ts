import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { openStore } from '../../bridges/kit/store/store.ts'
import { type Sandbox, startSandbox } from '../../bridges/sandbox/sandbox.ts'
import { bridgeFiles, prepareBridge } from '../../config/deploy/bridge-files.ts'
import { sandboxVariables } from '../../config/deploy/sandbox.ts'
import { freePort, project, type Running, removeFolder, startProcess, temporaryFolder } from '../support/processes.ts'
import { selectNewInbox } from './kit/queues.ts'

describe('the process of a bridge', () => {
  let folder: string
  let sandbox: Sandbox
  beforeEach(async () => {
    folder = temporaryFolder()
    sandbox = await startSandbox({ firstRetryMs: 5, longestRetryMs: 20 })
    prepareBridge(folder, 'whatsapp', await freePort())
  })
  afterEach(async () => {
    await sandbox.close()
    removeFolder(folder)
  })

  const start = async (homeserver: string): Promise<Running> =>
    startProcess({
      args: [join(project, 'bridges/main.ts'), 'whatsapp', '--config', bridgeFiles(folder, 'whatsapp').config],
      env: {
        TOMBOLO_BRIDGE_HOMESERVER_URL: homeserver,
        TOMBOLO_BRIDGE_GRAPH_VERIFY_TOKEN: 'a word',
        TOMBOLO_BRIDGE_LOG_LEVEL: 'debug',
        ...sandboxVariables(sandbox.url, sandbox.accounts.whatsapp),
      },
      log: join(folder, 'log'),
      ready: { line: /"url":"([^"]+)"/ },
    })

  it('takes what the network says while the homeserver is away, tells nobody’s secrets, and ends at a word', async () => {
    const bridge = await start(`http://127.0.0.1:${await freePort()}/`)
    await sandbox.control.setWebhook({ object: 'whatsapp_business_account', url: `${bridge.line?.[1]}/webhook`, verifyToken: 'a word' })
    const ana = await sandbox.person({ network: 'whatsapp', name: 'Ana', phone: '15551234567' })
    await ana.says('a secret text')
    await sandbox.control.settle({ network: 'whatsapp' })
    expect(await bridge.stop()).to.equal(0)
    const store = openStore(join(bridgeFiles(folder, 'whatsapp').folder, 'bridge.db'))
    expect(selectNewInbox(store, 0, 10)).to.have.length(1)
    store.close()
    const { accessToken, appSecret } = sandbox.accounts.whatsapp
    const log = readFileSync(join(folder, 'log'), 'utf8')
    expect(log).to.include('waiting for the homeserver')
    for (const word of [accessToken, appSecret, 'a word', '5551234567', 'a secret text']) expect(log.includes(word), word).to.equal(false)
    expect(log).not.to.include('Deprecation')
  })

  it('says how it is used when it is not told which network', async () => {
    const log = join(folder, 'usage')
    const wrong = await startProcess({ args: [join(project, 'bridges/main.ts'), 'telegram'], log })
    expect((await wrong.ended).code).to.equal(2)
    expect(readFileSync(log, 'utf8')).to.include('whatsapp|messenger|instagram')
  })
})
