import { expect } from 'chai'
import { ensureHub } from '../../../../bridges/kit/hub/room.ts'
import type { HubPlan } from '../../../../bridges/kit/kit.ts'
import { selectHub, selectPortalsIn } from '../../../../bridges/kit/store/portals.store.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { createWorld, openKit, type World } from '../house-of-cards.ts'
import { ana, ben, live, hub as plan, said } from '../story.ts'

const hub: HubPlan = { ...plan, consent: 'ask' }

describe('a configured hub whose people are asked', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    const kit = await openKit(world, { hub })
    await ensureHub(kit)
    kit.close()
  })
  afterEach(() => removeFolder(world.folder))

  it('asks each of them once, with their first message, and has nobody in it before they say yes', async () => {
    await live(world, { heard: [said(ana, 'in1', 'hello'), said(ben, 'in2', 'hi'), said(ana, 'in3', 'anybody?')] }, { hub })
    expect(world.sent.filter(({ text }) => /^\(1\/\d+\) You are asked/.test(text)).map(({ to }) => to)).to.deep.equal([
      '15550000001',
      '15550000002',
    ])
    expect(world.sent.filter(({ text }) => /hello|hi$|anybody/.test(text))).to.deep.equal([])
    await live(world, { heard: [said(ana, 'in4', 'yes'), said(ben, 'in5', 'yes'), said(ben, 'in6', 'here I am')] }, { hub })
    expect(world.sent.map(({ to, text }) => `${to} ${text}`)).to.include('15550000001 Ben (WhatsApp): here I am')
    const kit = await openKit(world, { hub })
    expect(selectPortalsIn(kit.store, selectHub(kit.store, hub.alias) ?? '')).to.have.length(2)
    kit.close()
  })
})
