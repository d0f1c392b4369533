import { expect } from 'chai'
import { createAtOnce } from '../../../server/membership/invite-limit.ts'

describe('invitations of one server at a time', () => {
  it('are so many, and keep those of other servers waiting as little as those that come when they are done', async () => {
    const atOnce = createAtOnce()
    const { promise: slow, resolve: go } = Promise.withResolvers<void>()
    const held = Array.from({ length: 32 }, () => atOnce('slow.test', () => slow))
    const refused = await atOnce('slow.test', async () => 'taken').catch((error) => [error.status, error.errcode])
    expect(refused).to.deep.equal([429, 'M_LIMIT_EXCEEDED'])
    expect(await atOnce('other.test', async () => 'taken')).to.equal('taken')
    go()
    await Promise.all(held)
    expect(await atOnce('slow.test', async () => 'taken')).to.equal('taken')
  })

  it('count no more once they failed', async () => {
    const atOnce = createAtOnce()
    for (let at = 0; at < 40; at++) {
      const failed = await atOnce('hs.test', () => Promise.reject(new Error('no'))).catch((error) => error.message)
      expect(failed).to.equal('no')
    }
  })
})
