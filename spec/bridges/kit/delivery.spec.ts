import { expect } from 'chai'
import { type Delivery, deliveryStates, mergeDelivery, wholeDelivery } from '../../../bridges/kit/delivery.ts'

describe('delivery', () => {
  const merge = (...news: Delivery[]) => news.reduce(mergeDelivery)

  it('ends in the same state whatever the order in which the network’s news come', () => {
    const orders: Delivery[][] = [
      ['submitted', 'sent', 'delivered', 'read'],
      ['submitted', 'read', 'sent', 'delivered'],
      ['submitted', 'delivered', 'read', 'sent'],
    ]
    for (const order of orders) expect(merge(...order)).to.equal('read')
  })
  it('lets the network fail what it had called sent, but not what was delivered', () => {
    expect(merge('sent', 'failed')).to.equal('failed')
    expect(merge('delivered', 'failed')).to.equal('delivered')
    expect(merge('read', 'failed')).to.equal('read')
  })
  it('believes a proof of delivery after a failure', () => expect(merge('failed', 'delivered')).to.equal('delivered'))
  it('learns what became of an unknown send, and never goes back to unknown', () => {
    expect(merge('unknown', 'submitted')).to.equal('submitted')
    expect(merge('submitted', 'unknown')).to.equal('submitted')
  })
  it('never moves back: for all states, merging twice changes nothing more', () => {
    for (const one of deliveryStates) {
      for (const other of deliveryStates) {
        const merged = mergeDelivery(one, other)
        expect(mergeDelivery(merged, one), `${one} ${other}`).to.equal(merged)
        expect(mergeDelivery(merged, other), `${one} ${other}`).to.equal(merged)
      }
    }
  })
  it('calls a message in parts what the worst part is, else the least advanced', () => {
    expect(wholeDelivery(['read', 'delivered', 'sent'])).to.equal('sent')
    expect(wholeDelivery(['read', 'failed', 'sent'])).to.equal('failed')
    expect(wholeDelivery(['sent', 'unknown'])).to.equal('unknown')
    expect(wholeDelivery(['read'])).to.equal('read')
  })
})
