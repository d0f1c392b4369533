import { expect } from 'chai'
import { selectLogins } from '../../../bridges/kit/store/logins.store.ts'
import { graphSeat } from './graph-seat.ts'
import { openStage, type Stage } from './stage.ts'
import { arrived, bodyOf, ghostSays, text } from './story.ts'

describe('WhatsApp, which slows down what goes to one person', () => {
  it('gets the rest when it takes it, in order, and the account is not paused for others', async () => {
    const stage = await openStage(await graphSeat('whatsapp'))
    const lines = Array.from({ length: 60 }, (_, index) => `line ${index}`)
    for (const line of lines) await stage.says(text(line))
    expect((await arrived(stage)).length).to.be.lessThan(lines.length)
    expect(selectLogins(stage.kit.store).map(({ state }) => state)).to.deep.equal(['connected'])
    for (let round = 0; round < 8; round++) await stage.wait(6000)
    expect((await arrived(stage)).map((seen) => seen.text)).to.deep.equal(lines)
    expect(stage.notices()).to.deep.equal([])
    await stage.close()
  })
})

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
