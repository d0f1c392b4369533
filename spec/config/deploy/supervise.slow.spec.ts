import { readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { parse } from 'yaml'
import { bridgeFiles } from '../../../config/deploy/bridge-files.ts'
import { type House, supervise } from '../../../config/deploy/supervise.ts'
import { freePort, project, removeFolder, startProcess, temporaryFolder } from '../../support/processes.ts'

const fixtures = join(project, 'spec/fixtures/programs')
const programs = {
  server: join(fixtures, 'server.ts'),
  bridge: join(fixtures, 'bridge.ts'),
  sandbox: join(project, 'bridges/sandbox/main.ts'),
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await sleep(30)
}
const fetchJson = (url: string) => fetch(url).then((response) => response.json() as Promise<Record<string, Record<string, string>>>)
const answers = (url: string) =>
  fetch(url).then(
    () => true,
    () => false,
  )

describe('supervise', () => {
  let data: string
  let env: Record<string, string | undefined>
  let said: string[]
  let house: House | undefined
  beforeEach(async () => {
    data = temporaryFolder('tombolo-data')
    env = { ...process.env, TOMBOLO_LISTENERS: JSON.stringify([{ port: await freePort() }]) }
    said = []
  })
  afterEach(async () => {
    await house?.stop()
    house = undefined
    removeFolder(data)
  })

  const start = async () => {
    house = await supervise({ data, argv: [], env, programs, say: (line) => void said.push(line) })
    return house
  }
  const registration = (network: 'whatsapp' | 'messenger' | 'instagram') =>
    parse(readFileSync(bridgeFiles(data, network).registration, 'utf8'))

  it('makes a data folder of secrets, starts all, and connects each bridge with the sandbox', async () => {
    const { config, sandboxed } = await start()
    expect(sandboxed).to.deep.equal(['whatsapp', 'messenger', 'instagram'])
    expect(config.appservice_files).to.deep.equal(
      ['whatsapp', 'messenger', 'instagram'].map((name) => join(data, 'registrations', `${name}.yaml`)),
    )
    for (const file of config.appservice_files) expect(statSync(file).mode & 0o777).to.equal(0o600)
    const bridge = await fetchJson(`${registration('instagram').url}/config`)
    expect(bridge['homeserver_url']).to.equal(`http://127.0.0.1:${config.listeners[0]!.port}/`)
    expect(bridge['registration_file']).to.equal(bridgeFiles(data, 'instagram').registration)
    const accounts = await fetchJson(`${bridge['graph']!['base_url']}_sandbox/accounts`)
    expect(bridge['graph']).to.include({
      access_token: accounts['instagram']!['accessToken'],
      app_secret: accounts['instagram']!['appSecret'],
    })
    expect(said).to.deep.equal([])
  })

  it('registers each bridge for its own users, with devices and ephemeral events', async () => {
    await start()
    const written = registration('whatsapp')
    expect(written).to.include({
      receive_ephemeral: true,
      'org.matrix.msc3202': true,
      'io.element.msc4190': true,
      sender_localpart: '_whatsapp_bot',
    })
    expect(written.namespaces.users).to.deep.equal([{ exclusive: true, regex: '@_whatsapp_.*:localhost' }])
    const tokens = (['whatsapp', 'messenger', 'instagram'] as const).flatMap((network) => [
      registration(network).as_token,
      registration(network).hs_token,
    ])
    expect(new Set(tokens).size).to.equal(6)
  })

  it('ends the bridges first, and goes on where it ended', async () => {
    await start()
    const before = registration('messenger')
    await house!.stop()
    expect(readFileSync(join(data, 'ends'), 'utf8')).to.equal('bridge\nbridge\nbridge\nserver\n')
    await start()
    expect(registration('messenger')).to.deep.equal(before)
  })

  it('starts a bridge again that crashed, and says so', async () => {
    await start()
    const { url } = registration('whatsapp')
    await fetch(`${url}/crash`).catch(() => undefined)
    await until(() => said.some((line) => line.includes('The whatsapp bridge runs again')))
    expect(said[0]).to.contain('The whatsapp bridge ended (code 3)').and.contain('whatsapp.log')
    expect(await answers(`${url}/config`)).to.equal(true)
  })

  it('takes the server’s name into the namespaces when it is chosen later', async () => {
    await start()
    await house!.stop()
    env['TOMBOLO_SERVER_NAME'] = 'example.org'
    await start()
    expect(registration('whatsapp').namespaces.users[0].regex).to.equal('@_whatsapp_.*:example\\.org')
  })

  it('says what to do when the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    env['TOMBOLO_LISTENERS'] = JSON.stringify([{ port }])
    const error: Error = await start().then(
      () => new Error('it started'),
      (reason) => reason,
    )
    other.close()
    expect(error.message).to.contain(`Port ${port} on 127.0.0.1 is taken`).and.contain(join(data, 'tombolo.yaml'))
  })

  it('tells a program’s last words when it does not start', async () => {
    const broken = { ...programs, server: join(data, 'missing.ts') }
    const error: Error = await supervise({ data, argv: [], env, programs: broken, say: () => undefined }).then(
      () => new Error('it started'),
      (reason) => reason,
    )
    expect(error.message).to.contain('The homeserver ended before it was ready').and.contain('missing.ts')
  })

  it('leaves nothing running when it is killed itself', async () => {
    const supervisor = await startProcess({
      args: [join(fixtures, 'supervisor.ts'), data],
      log: join(data, 'log'),
      ready: { line: /all ready/ },
    })
    const bridge = `${registration('whatsapp').url}/config`
    expect(await answers(bridge)).to.equal(true)
    await supervisor.kill()
    await until(async () => !(await answers(bridge)))
    await until(() => readFileSync(join(data, 'ends'), 'utf8').includes('server'))
  })
})

// In one file with the others, and so after them: those who choose ports at the same time may choose the same ones.
describe('npm start', () => {
  it('ends all that it started when npm is ended, which tells nobody', async () => {
    const data = temporaryFolder('tombolo-data')
    const port = await freePort()
    const npm = await startProcess({
      command: 'npm',
      args: ['start', '--', '--data', data, '-O', `listeners=[{"port":${port}}]`],
      log: join(data, 'npm.log'),
      ready: { line: /Tombolo runs/ },
      within: 60_000,
    })
    const versions = `http://127.0.0.1:${port}/_matrix/client/versions`
    expect(await answers(versions)).to.equal(true)
    npm.signal('SIGTERM')
    await npm.ended
    await until(async () => !(await answers(versions)))
    expect(npm.output()).to.contain('Ending: first the bridges')
    removeFolder(data)
  })
})
