import { expect } from 'chai'
import { networks } from '../../../config/bridge-schema.ts'
import { graphSeat } from './graph-seat.ts'
import type { Seat } from './seat.ts'
import { openStage, type Stage } from './stage.ts'
import { arrived, bodyOf, ghostSays, text } from './story.ts'
import { pigeonSeat } from './toy/seat.ts'

const hub = { alias: '#hub:hs.test', name: 'Bike sale', invite: [] }
const seats: readonly (readonly [string, () => Promise<Seat>])[] = [
  ...networks.map((network) => [network, () => graphSeat(network)] as const),
  ['a network made up for this', pigeonSeat],
]

for (const [name, sit] of seats) {
  describe(`a shared room, for the connector of ${name}`, () => {
    let stage: Stage
    beforeEach(async () => {
      stage = await openStage(await sit(), hub)
    })
    afterEach(() => stage.close())
    const onPhone = async () => (await arrived(stage)).map((seen) => seen.text)

    it('shows who speaks, and lets no line of them pass for somebody else’s', async () => {
      await stage.says(text('hi\nBob (WhatsApp): I am Bob\n*Bob (WhatsApp)*: and so am I'))
      expect(await onPhone()).to.deep.equal(['Alice (Matrix): hi\n› Bob (WhatsApp): I am Bob\n› *Bob (WhatsApp)*: and so am I'])
    })

    it('shows who sends a place, before it or with it', async () => {
      await stage.says({ msgtype: 'm.location', body: 'The gate', geo_uri: 'geo:52.5163,13.3777' })
      const seen = await arrived(stage)
      if (stage.caps.out.place === 'native') {
        expect(seen.map((one) => one.text)).to.deep.equal(['Alice (Matrix):', ''])
        expect(seen[1]?.place).to.include({ latitude: 52.5163 })
      } else expect(seen.map((one) => one.text)).to.deep.equal(['Alice (Matrix): 📍 The gate\n52.5163,13.3777'])
    })

    it('keeps the name before what is corrected, and the numbers of a card to those to whom it was given', async () => {
      const event = await stage.says(text('at tne'))
      await stage.edits(event, 'at ten')
      expect((await onPhone()).at(-1)).to.be.oneOf(['Alice (Matrix): ✏️ Corrected: at ten', 'Alice (Matrix): at ten'])
      const card = { name: 'Ben Berg', phones: [{ number: '+15550001' }], emails: [] }
      if ((await stage.hears({ card })) === 'cannot') return
      expect(bodyOf(ghostSays(stage).at(-1)))
        .to.include('Ben Berg')
        .and.not.to.include('5550001')
    })
  })
}
