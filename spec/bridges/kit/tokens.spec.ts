import { join } from 'node:path'
import { expect } from 'chai'
import { createInstagram } from '../../../bridges/instagram/connector.ts'
import type { Session } from '../../../bridges/kit/connector.ts'
import { login, openSessions, secretsOf } from '../../../bridges/kit/logins.ts'
import { selectLogins } from '../../../bridges/kit/store/logins.store.ts'
import { insertManagementRoom } from '../../../bridges/kit/store/management.store.ts'
import { openStore } from '../../../bridges/kit/store/store.ts'
import { describeToken, renewTokens } from '../../../bridges/kit/tokens/renew.ts'
import { openVault } from '../../../bridges/kit/vault.ts'
import { createMessenger } from '../../../bridges/messenger/connector.ts'
import { type Sandbox, startSandbox } from '../../../bridges/sandbox/sandbox.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { selectNewChores } from './queues.ts'

const dayMs = 86_400_000

describe('a token that ends', () => {
  let sandbox: Sandbox
  let folder: string
  let now: number
  let store: ReturnType<typeof openStore>
  let sessions: Map<string, Session>
  beforeEach(async () => {
    folder = temporaryFolder()
    sandbox = await startSandbox({})
    store = openStore(join(folder, 'bridge.db'))
    now = Date.now()
    sessions = new Map()
  })
  afterEach(async () => {
    for (const session of sessions.values()) await session.close()
    store.close()
    await sandbox.close()
    removeFolder(folder)
  })

  const kitOf = (network: 'instagram' | 'messenger' = 'instagram') => {
    const settings = { baseUrl: `${sandbox.url}/`, version: 'v25.0', appSecret: sandbox.accounts[network].appSecret, verifyToken: 'a word' }
    const connector = network === 'instagram' ? createInstagram(settings) : createMessenger(settings)
    const vault = openVault(network, join(folder, 'vault.key'))
    return { store, vault, connector, clock: () => now, owner: '@alice:hs.test', sessions, log: () => undefined }
  }
  /** Starts with the token of the configuration. */
  async function start(kit = kitOf(), network: 'instagram' | 'messenger' = 'instagram') {
    const { id, accessToken } = sandbox.accounts[network]
    const result = await login(kit, { account: id, accessToken })
    for (const [id, session] of openSessions(kit)) sessions.set(id, session)
    const [row] = selectLogins(store)
    return { kit, result, row: row!, entered: accessToken, current: () => secretsOf(kit, row!.login)?.accessToken }
  }
  async function pass(ms: number): Promise<void> {
    now += ms
    await sandbox.control.advance({ ms })
  }

  it('is renewed when it is a day old, and from then on a month before its end; what is sent uses the new one', async () => {
    const { kit, row, entered, current } = await start()
    await renewTokens(kit)
    expect(current()).to.equal(entered)
    await pass(dayMs)
    await renewTokens(kit)
    const second = current()
    expect(second).to.match(/^IGAA/).and.not.equal(entered)
    await pass(29 * dayMs)
    await renewTokens(kit)
    expect(current()).to.equal(second)
    await pass(2 * dayMs)
    await renewTokens(kit)
    expect(current()).to.match(/^IGAA/).and.not.equal(second)
    await sandbox.control.setToken({ network: 'instagram', expired: true })
    const person = await sandbox.control.addPerson({ network: 'instagram', name: 'Carla' })
    await sandbox.control.say({ network: 'instagram', person: person.id, text: 'hello' })
    const sent = await sessions.get(row.login)!.send({ to: [{ kind: 'igsid', value: person.id }], text: 'hello back' }, 'key')
    expect(sent.kind).to.equal('sent')
  })

  it('stays renewed when the bridge starts again with the one of the configuration, which has ended', async () => {
    const { kit, current } = await start()
    await renewTokens(kit)
    await pass(dayMs)
    await renewTokens(kit)
    const renewed = current()
    await sandbox.control.setToken({ network: 'instagram', expired: true })
    const { result } = await start()
    expect(result.kind).to.equal('done')
    expect(current()).to.equal(renewed)
  })

  it('that cannot be renewed is told of a week ahead, once, with what to do; the state says until when it is good', async () => {
    const { kit, row } = await start()
    insertManagementRoom(store, '!desk', '@alice:hs.test', now)
    await renewTokens(kit)
    expect(describeToken(kit, row)).to.equal('')
    await pass(dayMs)
    await renewTokens(kit)
    expect(describeToken(kit, row)).to.match(/^ Its token is good until 20\d\d-.* UTC, and is renewed before that\.$/)
    await sandbox.control.setToken({ network: 'instagram', revoked: true })
    now += 52 * dayMs
    await renewTokens(kit)
    expect(selectNewChores(store, 0, 10)).to.have.length(0)
    now += 2 * dayMs
    for (let look = 0; look < 3; look++) await renewTokens(kit)
    expect(selectNewChores(store, 0, 10)).to.have.length(1)
    expect(describeToken(kit, row)).to.match(/^ Its token ends on .* could not be renewed\. Write `login`/)
  })

  it('of a network whose tokens stay is left alone', async () => {
    const { kit, entered, current } = await start(kitOf('messenger'), 'messenger')
    await pass(90 * dayMs)
    await renewTokens(kit)
    expect(current()).to.equal(entered)
  })
})
