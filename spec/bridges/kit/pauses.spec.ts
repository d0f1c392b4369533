import { expect } from 'chai'
import type { SendResult } from '../../../bridges/kit/connector.ts'
import { checkHold, learnFrom, noteState } from '../../../bridges/kit/states.ts'
import { probeLogins } from '../../../bridges/kit/states-watch.ts'
import { selectLogins } from '../../../bridges/kit/store/logins.store.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { account, createWorld, openKit, type World } from './house-of-cards.ts'

describe('an account that the network slows down', () => {
  let world: World
  let kit: Awaited<ReturnType<typeof openKit>>
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    kit = await openKit(world)
  })
  afterEach(() => {
    kit.close()
    removeFolder(world.folder)
  })

  const login = () => selectLogins(kit.store)[0]!
  const hear = (result: SendResult) => learnFrom(kit, login().login, result, { account, accessToken: 'token' })
  const limited = { kind: 'retry', class: 'rate_limited', words: 'Slower.' } as const
  const pauseMs = () => (login().until ?? 0) - world.now

  it('waits for as long as the network says', async () => {
    await hear({ ...limited, retryAfterMs: 90_000 })
    expect(pauseMs()).to.equal(90_000)
    expect(() => checkHold(kit, login().login)).to.throw(/limits how fast/)
    world.now += 90_001
    expect(checkHold(kit, login().login)).to.equal('go')
  })

  it('waits a little when it does not say, longer the longer it lasts, and ten minutes at most', async () => {
    const pauses: number[] = []
    for (let tries = 0; tries < 12; tries++) {
      await hear(limited)
      pauses.push(pauseMs())
      world.now += pauseMs()
    }
    expect(pauses.slice(0, 4)).to.deep.equal([5000, 5000, 10_000, 20_000])
    expect(pauses.at(-1)).to.equal(600_000)
  })

  it('is asked about again when a send worked that was under way while its token was refused: what was held is woken by that', async () => {
    noteState(kit, login().login, { state: 'bad_credentials' })
    await hear({ kind: 'sent', id: 'm1' })
    expect(login().state).to.equal('backing_off')
    expect(await probeLogins(kit)).to.equal(1)
    expect(login().state).to.equal('connected')
  })

  it('waits a little again after it went on', async () => {
    for (let tries = 0; tries < 5; tries++) {
      await hear(limited)
      world.now += pauseMs()
    }
    await hear({ kind: 'sent', id: 'm1' })
    expect(login().state).to.equal('connected')
    await hear(limited)
    expect(pauseMs()).to.equal(5000)
  })
})
