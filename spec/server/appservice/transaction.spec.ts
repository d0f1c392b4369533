import { expect } from 'chai'
import { mergePieces } from '../../../server/appservice/pieces.ts'
import { type Contents, countFitting, most, transactionText, waitAfter } from '../../../server/appservice/transaction.ts'

const nothing: Contents = {
  events: [],
  ephemeral: [],
  toDevice: [],
  deviceLists: undefined,
  oneTimeKeyCounts: undefined,
  unusedFallbackKeyTypes: undefined,
}
const all: Contents = {
  events: ['{"event_id":"$a"}', '{"event_id":"$b"}'],
  ephemeral: [{ type: 'm.typing', room_id: '!r', content: { user_ids: [] } }],
  toDevice: [{ type: 'm.x', sender: '@a:x', content: {}, to_user_id: '@g:x', to_device_id: 'D' }],
  deviceLists: { changed: ['@a:x'], left: [] },
  oneTimeKeyCounts: { '@g:x': { D: { signed_curve25519: 3 } } },
  unusedFallbackKeyTypes: { '@g:x': { D: [] } },
}

describe('a transaction', () => {
  it('is none when there is nothing to tell', () => {
    expect(transactionText(nothing, { receiveEphemeral: true, receiveDevices: true })).to.equal(undefined)
    expect(transactionText({ ...nothing, ephemeral: all.ephemeral }, { receiveEphemeral: false, receiveDevices: true })).to.equal(undefined)
  })

  it('has a list of events even when there are none', () => {
    const text = transactionText({ ...nothing, toDevice: all.toDevice }, { receiveEphemeral: true, receiveDevices: false })
    expect(JSON.parse(text!).events).to.deep.equal([])
  })

  it('says what is not stable under every name that services read', () => {
    const body = JSON.parse(transactionText(all, { receiveEphemeral: true, receiveDevices: true })!)
    expect(body.events).to.deep.equal([{ event_id: '$a' }, { event_id: '$b' }])
    for (const name of ['ephemeral', 'de.sorunome.msc2409.ephemeral']) expect(body[name], name).to.deep.equal(all.ephemeral)
    for (const name of ['to_device', 'de.sorunome.msc2409.to_device']) expect(body[name], name).to.deep.equal(all.toDevice)
    for (const name of ['device_lists', 'org.matrix.msc3202.device_lists']) expect(body[name], name).to.deep.equal(all.deviceLists)
    const counts = [
      'device_one_time_keys_count',
      'org.matrix.msc3202.device_one_time_keys_count',
      'org.matrix.msc3202.device_one_time_key_counts',
    ]
    for (const name of counts) expect(body[name], name).to.deep.equal(all.oneTimeKeyCounts)
    const unused = ['device_unused_fallback_key_types', 'org.matrix.msc3202.device_unused_fallback_key_types']
    for (const name of unused) expect(body[name], name).to.deep.equal(all.unusedFallbackKeyTypes)
  })

  it('says nothing of devices or what is ephemeral to a service that did not ask for it', () => {
    const body = JSON.parse(transactionText({ ...all, toDevice: [] }, { receiveEphemeral: false, receiveDevices: false })!)
    expect(Object.keys(body)).to.deep.equal(['events'])
  })

  it('holds at most a hundred events, and fewer when they are large, but always one', () => {
    expect(countFitting(Array.from({ length: 250 }, () => 'x'))).to.equal(100)
    expect(countFitting(Array.from({ length: 20 }, () => 'x'.repeat(most.eventBytes / 3)))).to.equal(3)
    expect(countFitting(['x'.repeat(2 * most.eventBytes), 'y'])).to.equal(1)
    expect(countFitting(['ü'.repeat(most.eventBytes / 2), 'yy'])).to.equal(1)
    expect(countFitting([])).to.equal(0)
  })

  it('is tried again after 2, 4, 8 … s and never later than after a minute', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 1000].map(waitAfter)).to.deep.equal([2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
  })
})

describe('the pieces of sections', () => {
  it('become one, with the room that something ephemeral is of', () => {
    const told = mergePieces([
      { rooms: new Map([['!a', { ephemeral: [{ type: 'm.typing' }], accountData: [{ type: 'm.tag' }] }]]) },
      { presence: [{ type: 'm.presence' }], toDevice: [{ type: 'm.x' }], toDeviceUpTo: 9 },
      { deviceLists: { changed: ['@a:x', '@b:x'], left: [] } },
      { deviceLists: { changed: ['@a:x'], left: ['@c:x'] } },
    ])
    expect(told.ephemeral).to.deep.equal([{ type: 'm.typing', room_id: '!a' }, { type: 'm.presence' }])
    expect(told.toDeviceUpTo).to.equal(9)
    expect(told.deviceLists).to.deep.equal({ changed: ['@a:x', '@b:x'], left: ['@c:x'] })
  })
})
