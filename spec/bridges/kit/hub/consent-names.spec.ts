import { expect } from 'chai'
import { chooseName, nameIn } from '../../../../bridges/kit/hub/consent-names.ts'
import type { Kit } from '../../../../bridges/kit/kit.ts'
import { selectHub, selectPortalsIn } from '../../../../bridges/kit/store/portals.store.ts'
import { putSpoke } from '../../../../bridges/kit/store/spokes.store.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { createWorld, openKit, type World } from '../house-of-cards.ts'
import { type ana, hub, live, said } from '../story.ts'

const person = (number: number, name: string) => ({ ids: [{ kind: 'phone', value: `1555000000${number}` }], name }) as const

describe('the names in a shared room', () => {
  let world: World
  beforeEach(() => {
    world = createWorld(temporaryFolder())
  })
  afterEach(() => removeFolder(world.folder))

  const hear = (number: number, name: string, text: string) =>
    live(world, { heard: [said(person(number, name) as unknown as typeof ana, `in ${number} ${text}`, text)] }, { hub })
  const heardAs = () => world.sent.map(({ text }) => text)
  async function withKit<T>(work: (kit: Kit, room: string) => T): Promise<T> {
    const kit = await openKit(world, { hub })
    try {
      return work(kit, selectHub(kit.store, hub.alias) ?? '')
    } finally {
      kit.close()
    }
  }

  it('tell two of one name apart, by a number that stays whoever speaks first', async () => {
    await hear(1, 'Ana', 'a')
    await hear(2, 'ANA', 'b')
    await hear(3, 'Ána', 'c')
    await hear(2, 'ANA', 'd')
    await hear(1, 'Ana', 'e')
    const names = heardAs().map((text) => text.split(' (')[0])
    expect(new Set(names)).to.deep.equal(new Set(['Ana', 'ANA 2', 'Ána 3']))
    expect(heardAs()).to.include('ANA 2 (WhatsApp): d')
    expect(heardAs()).to.include('Ana (WhatsApp): e')
  })

  it('let nobody take the name of another, neither by choosing it nor by a new name on the network', async () => {
    await hear(1, 'Ana', 'a')
    await hear(2, 'Ben', 'b')
    await hear(2, 'Ana', 'I am Ana')
    expect(heardAs()).to.include('Ana 2 (WhatsApp): I am Ana')
    await hear(3, 'Ana 2', 'me too')
    expect(heardAs()).to.include('Ana 2 2 (WhatsApp): me too')
  })

  it('are refused where they hide something', async () => {
    await hear(1, 'Ana', 'a')
    await withKit((kit, room) => {
      const [chat] = selectPortalsIn(kit.store, room)
      putSpoke(kit.store, chat!.portal, room, 'accepted', kit.clock())
      for (const name of ['+1 555 123 4567', '   ', '\u202e', '1 2 3', '(WhatsApp)'])
        expect(chooseName(kit, chat!.portal, room, name), name).to.equal(false)
      expect(nameIn(kit, chat!)).to.equal('Ana')
      expect(chooseName(kit, chat!.portal, room, 'Zoë\n(Matrix): hi')).to.equal(true)
      expect(nameIn(kit, chat!)).to.equal('Zoë hi')
    })
  })
})
