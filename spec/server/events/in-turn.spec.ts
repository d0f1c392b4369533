import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import { createInTurn } from '../../../server/events/in-turn.ts'

/** An answer on its way, until somebody says that it is sent. */
function response() {
  const sent = Object.assign(new EventEmitter(), { closed: false })
  const close = () => {
    sent.closed = true
    sent.emit('close')
  }
  return { response: sent as unknown as ServerResponse, close }
}

describe('long answers for other servers', () => {
  it('are made eight at a time for each server, and further ones as soon as one is sent', async () => {
    const inTurn = createInTurn()
    const made: number[] = []
    const asked = Array.from({ length: 10 }, response)
    const answers = asked.map(({ response }, n) => inTurn({ origin: 'slow.test', response }, async () => made.push(n)))
    await setImmediate()
    expect(made).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7])
    expect(await inTurn({ origin: 'other.test', response: response().response }, async () => 'at once')).to.equal('at once')
    asked[3]!.close()
    await setImmediate()
    expect(made).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8])
    // Whoever waits for the last one is gone.
    asked[9]!.close()
    asked[4]!.close()
    await setImmediate()
    expect(await answers[9]).to.equal(undefined)
    expect(made).to.not.include(9)
  })

  it('are refused to a server beyond what may wait, and to no other', async () => {
    const inTurn = createInTurn()
    const answers = Array.from({ length: 209 }, () => inTurn({ origin: 'slow.test', response: response().response }, async () => 'made'))
    const refusal = await Promise.any(
      answers.map((answer) =>
        answer.then(
          () => Promise.reject(new Error()),
          (error: { errcode: string }) => error,
        ),
      ),
    )
    expect(refusal.errcode).to.equal('M_LIMIT_EXCEEDED')
    expect(await inTurn({ origin: 'other.test', response: response().response }, async () => 'made')).to.equal('made')
  })

  it('fail as their making fails, and give the turn back', async () => {
    const inTurn = createInTurn()
    for (let n = 0; n < 20; n++) {
      const { response: failed, close } = response()
      const words = await inTurn({ origin: 'slow.test', response: failed }, () => Promise.reject(new Error('no'))).catch(String)
      expect(words).to.equal('Error: no')
      close()
    }
  })
})
