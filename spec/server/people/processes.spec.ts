import { join } from 'node:path'
import { expect } from 'chai'
import { load } from '../../../config/load.ts'
import type { Config } from '../../../config/schema.ts'
import type { UserId } from '../../../server/core/ids.ts'
import { createHomeserver, type Homeserver } from '../../../server/homeserver.ts'
import { createLog } from '../../../server/http/log.ts'
import type { Stage } from '../../../server/people/interaction/interaction.ts'
import { type FreshDatabase, freshDatabase } from '../../support/postgres.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'

const userId: UserId = '@alice:hs.test'
const as = { userId: undefined, deviceId: undefined, ip: '' }

describe('people at two processes on one database', () => {
  let database: FreshDatabase
  let folder: string
  let one: Homeserver
  let other: Homeserver
  before(async function () {
    const fresh = await freshDatabase()
    if (!fresh) return this.skip()
    database = fresh
    folder = temporaryFolder()
    const { config } = load({ argv: ['--data', folder], env: {} })
    const shared: Config = {
      ...config,
      server_name: 'hs.test',
      password_hashing: 'fast',
      signing_key_path: join(folder, 'signing.key'),
      database: { ...config.database, kind: 'postgres', url: database.url },
    }
    const log = createLog({ level: 'error', format: 'text' })
    one = await createHomeserver(shared, { log })
    other = await createHomeserver(shared, { log })
    await one.people.createAccount({ userId, password: 'x', admin: false, serviceId: undefined })
  })
  after(async () => {
    await one?.close()
    await other?.close()
    await database?.drop()
    if (folder) removeFolder(folder)
  })
  const start = (at: Homeserver) => at.people.createSession({ userId, deviceId: undefined, displayName: undefined, refreshable: true })
  const errorOf = (at: Homeserver, token: string) =>
    at.people.authenticate(token, as).then(
      () => undefined,
      ({ errcode }: { errcode: string }) => errcode,
    )

  it('a session of one is good at the other at once', async () => {
    const { accessToken, deviceId } = await start(one)
    expect((await other.people.authenticate(accessToken, as)).deviceId).to.equal(deviceId)
  })
  it('a lock that is set at one holds at the other once the other has heard of it', async () => {
    const { accessToken } = await start(one)
    await other.people.authenticate(accessToken, as)
    await one.people.setStanding(userId, { locked: true })
    await other.home.notifier.reached(one.home.notifier.position(), 10_000)
    expect(await errorOf(other, accessToken)).to.equal('M_USER_LOCKED')
    await one.people.setStanding(userId, { locked: false })
    await other.home.notifier.reached(one.home.notifier.position(), 10_000)
    expect(await errorOf(other, accessToken)).to.equal(undefined)
  })
  it('what was proved at one is asked no more at the other, and counts once', async () => {
    const stages: Stage[] = ['m.login.dummy', 'm.login.terms'].map((type) => ({ type, attempt: () => ({ done: '' }) }))
    const operation = { method: 'POST', path: '/x', userId, body: {} }
    const begun = await one.people.interact(operation, [stages]).catch((error) => error)
    const { session } = begun.fields
    const half = { ...operation, body: { auth: { type: 'm.login.dummy', session } } }
    expect((await one.people.interact(half, [stages]).catch((error) => error)).fields.completed).to.deep.equal(['m.login.dummy'])
    const rest = { ...operation, body: { auth: { type: 'm.login.terms', session } } }
    const passed = await Promise.all([one, other].map((at) => at.people.interact(rest, [stages])))
    const ended = await Promise.all(
      [one, other].map((at, n) => at.home.database.commit({ guards: passed[n]!.guards, writes: passed[n]!.writes })),
    )
    expect(ended.map(({ ok }) => ok).sort()).to.deep.equal([false, true])
  })
  it('a session that ended at one is no more at the other once the other has heard of it', async () => {
    const { accessToken } = await start(one)
    const requester = await other.people.authenticate(accessToken, as)
    await one.people.endSession(requester)
    await other.home.notifier.reached(one.home.notifier.position(), 10_000)
    expect(await errorOf(other, accessToken)).to.equal('M_UNKNOWN_TOKEN')
  })
  it('a name that is wanted at both at once is given to one', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      const of = { userId: `@${name}:hs.test`, password: undefined, admin: false, serviceId: undefined } as const
      const made = [one, other].map(({ people }) =>
        people.createAccount(of).then(
          () => 'made',
          (error: { errcode?: string }) => error.errcode ?? error,
        ),
      )
      expect((await Promise.all(made)).sort()).to.deep.equal(['M_USER_IN_USE', 'made'])
    }
  })
  it('a refresh token that is used at both at once leaves one pair of tokens', async () => {
    const { refreshToken } = await start(one)
    const [first, second] = await Promise.all([one, other].map(({ people }) => people.refresh(refreshToken!)))
    const errors = [await errorOf(one, first!.accessToken), await errorOf(one, second!.accessToken)]
    expect(errors.filter((error) => error === undefined)).to.have.length(1)
  })
})
