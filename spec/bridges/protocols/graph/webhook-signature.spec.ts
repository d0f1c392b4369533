import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import { answerChallenge } from '../../../../bridges/protocols/graph/challenge.ts'
import { verifySignature } from '../../../../bridges/protocols/graph/webhook-signature.ts'

describe('verifySignature', () => {
  const body = Buffer.from('{"object":"page","text":"\\u00e4\\ud83d\\ude00 and \\/"}', 'latin1')
  const hex = createHmac('sha256', 'secret').update(body).digest('hex')

  it('accepts a vector computed elsewhere', () => {
    // RFC 4231, test case 2
    const known = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'
    expect(verifySignature(Buffer.from('what do ya want for nothing?'), `sha256=${known}`, 'Jefe')).to.equal(true)
  })

  it('accepts the bytes of the wire and refuses them re-serialised', () => {
    expect(verifySignature(body, `sha256=${hex}`, 'secret')).to.equal(true)
    const again = Buffer.from(JSON.stringify(JSON.parse(body.toString('utf8'))))
    expect(verifySignature(again, `sha256=${hex}`, 'secret')).to.equal(false)
  })

  it('refuses a body with one flipped bit, another secret, and an empty secret', () => {
    const flipped = Buffer.from(body)
    flipped[5]! ^= 1
    expect(verifySignature(flipped, `sha256=${hex}`, 'secret')).to.equal(false)
    expect(verifySignature(body, `sha256=${hex}`, 'secres')).to.equal(false)
    const unkeyed = createHmac('sha256', '').update(body).digest('hex')
    expect(verifySignature(body, `sha256=${unkeyed}`, '')).to.equal(false)
  })

  const sha1 = createHmac('sha1', 'secret').update(body).digest('hex')
  const spellings: [string, string | undefined][] = [
    ['missing', undefined],
    ['empty', ''],
    ['without its prefix', hex],
    ['upper-case digits', `sha256=${hex.toUpperCase()}`],
    ['an upper-case prefix', `SHA256=${hex}`],
    ['short by one digit', `sha256=${hex.slice(1)}`],
    ['long by one digit', `sha256=${hex}0`],
    ['followed by a line break', `sha256=${hex}\n`],
    ['sent twice', `sha256=${hex}, sha256=${hex}`],
    ['only sha1', `sha1=${sha1}`],
    ['not hex', `sha256=${'g'.repeat(64)}`],
  ]
  for (const [name, header] of spellings) {
    it(`refuses a signature that is ${name}`, () => expect(verifySignature(body, header, 'secret')).to.equal(false))
  }
})

describe('answerChallenge', () => {
  const query = { 'hub.mode': 'subscribe', 'hub.challenge': '1158201444', 'hub.verify_token': 'right' }

  it('gives the challenge back to who knows the verify token', () => {
    expect(answerChallenge(query, 'right')).to.deep.equal({ status: 200, body: '1158201444' })
  })

  const wrong: [string, Record<string, unknown>][] = [
    ['another token', { 'hub.verify_token': 'wrong' }],
    ['a token given twice', { 'hub.verify_token': ['right', 'right'] }],
    ['no challenge', { 'hub.challenge': undefined }],
    ['markup as challenge', { 'hub.challenge': '<script>' }],
    ['another mode', { 'hub.mode': 'unsubscribe' }],
  ]
  for (const [name, change] of wrong) {
    it(`answers 403 to ${name}`, () => expect(answerChallenge({ ...query, ...change }, 'right')).to.deep.equal({ status: 403 }))
  }

  it('answers 403 when no verify token is set', () => {
    expect(answerChallenge({ ...query, 'hub.verify_token': '' }, '')).to.deep.equal({ status: 403 })
  })
})
