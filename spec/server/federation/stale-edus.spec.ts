import { expect } from 'chai'
import { withoutStale } from '../../../server/federation/stale-edus.ts'
import { transactionText } from '../../../server/federation/transaction-text.ts'

const minute = 60_000
const then = 1_800_000_000_000
const edu = (type: string, content = '{}') => `{"content":${content},"edu_type":"${type}"}`
const typesIn = (text: string) => (JSON.parse(text).edus as { edu_type: string }[]).map(({ edu_type: type }) => type.slice(2))

describe('what was put into a transaction some time ago', () => {
  const lasting = ['m.direct_to_device', 'm.device_list_update', 'm.signing_key_update', 'org.example.other'].map((type) => edu(type))
  const pdus = ['{"depth":9007199254740993,"content":{"a":1.0}}']
  const text = transactionText('hs.test', then, { pdus, edus: [edu('m.typing'), ...lasting, edu('m.presence'), edu('m.receipt')] })

  it('is sent as it is as long as all of it is of use, also where the clock went back', () => {
    expect(withoutStale(text, then + minute / 2 - 1)).to.equal(undefined)
    expect(withoutStale(text, then - minute)).to.equal(undefined)
    expect(withoutStale(transactionText('hs.test', then, { pdus, edus: lasting }), then + 1e12)).to.equal(undefined)
  })

  it('goes without who typed after half a minute, who was online after ten, what was read after a week, and without nothing else ever', () => {
    const at = (later: number) => withoutStale(text, then + later)!
    const always = ['direct_to_device', 'device_list_update', 'signing_key_update', 'g.example.other']
    expect(typesIn(at(minute / 2).text)).to.deep.equal([...always, 'presence', 'receipt'])
    expect(typesIn(at(10 * minute).text)).to.deep.equal([...always, 'receipt'])
    expect(typesIn(at(7 * 24 * 60 * minute).text)).to.deep.equal(always)
    expect(at(10 * minute).edus).to.equal(5)
  })

  it('keeps every event to the letter, and the time from which it counts', () => {
    const once = withoutStale(text, then + minute)!
    expect(once.text).to.include('"content":{"a":1.0}').and.include('"depth":9007199254740993').and.include(`"origin_server_ts":${then}`)
    expect(typesIn(withoutStale(once.text, then + 10 * minute)!.text)).to.not.include('presence')
  })

  it('is written anew however deeply an event of it is nested', () => {
    const deep = `{"content":${'['.repeat(1500)}${']'.repeat(1500)}}`
    const left = withoutStale(transactionText('hs.test', then, { pdus: [deep], edus: [edu('m.typing')] }), then + minute)
    expect(left?.text).to.include(deep)
  })
})
