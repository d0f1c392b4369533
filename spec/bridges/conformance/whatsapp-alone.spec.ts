import { expect } from 'chai'
import { graphSeat } from './graph-seat.ts'
import { openStage, type Stage } from './stage.ts'
import { bodyOf, ghostSays } from './story.ts'

describe('WhatsApp with a number that is used with the API alone', () => {
  let stage: Stage
  beforeEach(async () => {
    stage = await openStage(await graphSeat('whatsapp', { coexistence: false }))
  })
  afterEach(() => stage.close())

  it('says of a correction that there was one, and what it does not show', async () => {
    const id = await stage.hears({ text: 'at tne' })
    await stage.seat.phone.edits(id, 'at ten')
    await stage.settle()
    const notice = ghostSays(stage).at(-1)
    expect(notice?.content['msgtype']).to.equal('m.notice')
    expect(bodyOf(notice)).to.include('a correction, which the network does not show')
  })

  it('does not tell of a withdrawal: the message stays in the room', async () => {
    const id = await stage.hears({ text: 'oops' })
    await stage.seat.phone.unsends(id)
    await stage.settle()
    expect(ghostSays(stage).map(bodyOf)).to.deep.equal(['hello', 'oops'])
  })
})
