import { expect } from 'chai'
import { Later } from '../../../../bridges/kit/feed.ts'
import { ensureHub } from '../../../../bridges/kit/hub/room.ts'
import type { HubPlan } from '../../../../bridges/kit/kit.ts'
import { selectHub } from '../../../../bridges/kit/store/portals.store.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { bot, createWorld, matrixOf, openKit, type World } from '../house-of-cards.ts'

const bots = ['whatsapp', 'messenger', 'instagram'].map((network) => `@_${network}_bot:hs.test`)
const hub: HubPlan = { alias: '#hub:hs.test', name: 'Bike sale', invite: bots }

describe('the room of a hub', () => {
  let world: World
  beforeEach(() => {
    world = createWorld(temporaryFolder())
  })
  afterEach(() => removeFolder(world.folder))

  async function enter(): Promise<string> {
    const kit = await openKit(world, { hub })
    const room = await ensureHub(kit)
    expect(selectHub(kit.store, hub.alias)).to.equal(room)
    kit.close()
    return room
  }
  const makes = (user: string) => matrixOf(world, user).createRoom({ alias: hub.alias, name: 'Come in', invite: [] })

  it('is made by the first bridge that needs it, and the same for the next', async () => {
    expect(await enter()).to.equal('!room0')
    expect(await enter()).to.equal('!room0')
    expect(world.rooms.size).to.equal(1)
  })

  for (const maker of ['@_messenger_bot:hs.test', '@alice:hs.test']) {
    it(`is one that ${maker} has made`, async () => {
      await makes(maker)
      expect(await enter()).to.equal('!room0')
    })
  }

  it('is no room of somebody who took the alias first: nobody’s chats go there, nor does the bot stay in it or come back', async () => {
    for (const maker of ['@mallory:hs.test', '@_messenger_bot:elsewhere.test', '@_telegram_bot:hs.test']) {
      world.rooms.clear()
      await makes(maker)
      const kit = await openKit(world, { hub })
      const joins: string[] = []
      const join = async (user: string, room: string) => {
        joins.push(room)
        await kit.matrix.join(user, room)
      }
      const matrix = { ...kit.matrix, join }
      const refused = await ensureHub({ ...kit, matrix }).catch((error: unknown) => error)
      expect(refused, maker).to.be.instanceOf(Later)
      expect(selectHub(kit.store, hub.alias), maker).to.equal(undefined)
      const { members } = [...world.rooms.values()][0]!
      expect(members.get(bot), maker).to.equal('left')
      await ensureHub({ ...kit, matrix }).catch(() => undefined)
      expect([joins, members.get(bot)], maker).to.deep.equal([['!room0'], 'left'])
      kit.close()
    }
  })
})
