import { expect } from 'chai'
import { encodeBase64 } from '../../../../server/core/base64.ts'
import { signedText } from '../../../../server/core/hashes.ts'
import { roomRules } from '../../../../server/core/room-versions.ts'
import { isForPolicyServer, isRecommended, policyServerOf, withPolicySignature } from '../../../../server/core/servers/policy-server.ts'
import { generateSigningKey, signText } from '../../../../server/core/signatures.ts'
import { room } from '../../../support/room-story.ts'

const key = generateSigningKey(Buffer.alloc(32, 2), 'policy_server')
const via = 'policy.test'
const public_keys = { ed25519: encodeBase64(key.publicKey) }
const by = { serverName: via, publicKey: public_keys.ed25519 }

describe('a policy server', () => {
  it('is used by a room whose state names it with its key, and that it is in', () => {
    const servers = new Set([via])
    expect(policyServerOf({ via, public_keys }, servers)).to.deep.equal(by)
    expect(policyServerOf({ via, public_keys, more: 1 }, new Set())).to.equal(undefined)
    for (const content of [
      undefined,
      {},
      { via },
      { public_keys },
      { via, public_keys: [] },
      { via, public_keys: {} },
      { via: 1, public_keys },
    ])
      expect(policyServerOf(content as never, servers), JSON.stringify(content)).to.equal(undefined)
  })

  it('looks at everything but at what names it', () => {
    expect(isForPolicyServer({ type: 'm.room.policy', state_key: '' })).to.equal(false)
    expect(isForPolicyServer({ type: 'm.room.policy', state_key: 'x' })).to.equal(true)
    expect(isForPolicyServer({ type: 'm.room.policy' })).to.equal(true)
    expect(isForPolicyServer({ type: 'm.room.member', state_key: '' })).to.equal(true)
  })

  for (const version of ['1', '11', '12']) {
    it(`recommends by a signature that survives a redaction and takes no other away, in version ${version}`, () => {
      const rules = roomRules(version)!
      const pdu = room(version).build({ type: 'm.room.message', content: { body: 'hello' } })
      const signature = signText(signedText(pdu, rules), key)
      expect(isRecommended(pdu, rules, by)).to.equal(false)
      const signed = withPolicySignature(pdu, rules, by, { [via]: { 'ed25519:policy_server': signature } })!
      expect(signed.signatures).to.deep.equal({ ...pdu.signatures, [via]: { 'ed25519:policy_server': signature } })
      expect(isRecommended({ ...signed, content: {} }, rules, by)).to.equal(true)
      expect(isRecommended({ ...signed, depth: 99 }, rules, by)).to.equal(false)
      expect(isRecommended(signed, rules, { ...by, publicKey: 'short' })).to.equal(false)
      const own = { ...pdu, signatures: { [via]: { 'ed25519:a': 'x' } } }
      const both = withPolicySignature(own, rules, by, { [via]: { 'ed25519:policy_server': signature } })
      expect(both?.signatures).to.deep.equal({ [via]: { 'ed25519:a': 'x', 'ed25519:policy_server': signature } })
    })
  }

  it('has not signed with what is no signature of it', () => {
    const rules = roomRules('12')!
    const pdu = room('12').build({ type: 'm.room.message' })
    const signature = signText(signedText(pdu, rules), key)
    const wrong = [
      {},
      { [via]: null },
      { [via]: [signature] },
      { [via]: { 'ed25519:x': signature } },
      { other: { 'ed25519:policy_server': signature } },
    ]
    for (const answer of wrong) expect(withPolicySignature(pdu, rules, by, answer as never), JSON.stringify(answer)).to.equal(undefined)
    const changed = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    expect(withPolicySignature(pdu, rules, by, { [via]: { 'ed25519:policy_server': changed } })).to.equal(undefined)
  })
})
