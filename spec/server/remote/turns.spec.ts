import { expect } from 'chai'
import { createTurns } from '../../../server/remote/turns.ts'

describe('questions to other servers', () => {
  const endless = () => new Promise<never>(() => {})

  it('wait for each other when they are for one server, and not for those to another', async () => {
    const inTurn = createTurns({ running: 2, waiting: 10 }, { running: 10, waiting: 10 })
    let begun = 0
    for (let n = 0; n < 3; n++) {
      void inTurn('slow.test', () => {
        begun++
        return endless()
      })
    }
    expect(await inTurn('quick.test', async () => 'answered')).to.equal('answered')
    expect(begun).to.equal(2)
  })

  it('are refused when too many wait for one server, and go on when one has ended', async () => {
    const inTurn = createTurns({ running: 1, waiting: 1 }, { running: 10, waiting: 10 })
    let end = () => {}
    const first = inTurn(
      'slow.test',
      () =>
        new Promise<void>((resolve) => {
          end = resolve
        }),
    )
    const second = inTurn('slow.test', async () => 'second')
    const third = await inTurn('slow.test', async () => 'third').catch((error: { errcode: string }) => error.errcode)
    expect(third).to.equal('M_LIMIT_EXCEEDED')
    end()
    await first
    expect(await second).to.equal('second')
    expect(await inTurn('slow.test', async () => 'fourth')).to.equal('fourth')
  })

  it('go on when one fails', async () => {
    const inTurn = createTurns({ running: 1, waiting: 5 }, { running: 1, waiting: 5 })
    const failed = inTurn('a.test', () => Promise.reject(new Error('no'))).catch(({ message }: Error) => message)
    const next = inTurn('a.test', async () => 'yes')
    expect([await failed, await next]).to.deep.equal(['no', 'yes'])
  })
})
