import { expect } from 'chai'
import { encodeBase64 } from '../../../../server/core/base64.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import { checkServerKeys, isValidAt } from '../../../../server/core/servers/server-keys.ts'
import { generateSigningKey, signJson } from '../../../../server/core/signatures.ts'

const name = 'peer.example'
const [first, second] = [1, 2].map((seed) => generateSigningKey(Buffer.alloc(32, seed), `k${seed}`)) as [SigningKey, SigningKey]
type SigningKey = ReturnType<typeof generateSigningKey>
const published = (key: SigningKey) => ({ [key.keyId]: { key: encodeBase64(key.publicKey) } })
const response = (more: JsonObject = {}): JsonObject => ({
  server_name: name,
  valid_until_ts: 5000,
  verify_keys: published(first),
  old_verify_keys: { 'ed25519:old': { key: encodeBase64(second.publicKey), expired_ts: 1000 } },
  ...more,
})
const signed = (more: JsonObject = {}, key = first) => signJson(response(more), name, key)

describe('what a server says of its keys', () => {
  it('is believed when it is signed by one of them', () => {
    const { keys, validUntil } = checkServerKeys(signed(), name) ?? { keys: [] }
    expect(validUntil).to.equal(5000)
    expect(keys).to.deep.equal([
      { keyId: 'ed25519:k1', key: encodeBase64(first.publicKey), until: 5000, isOld: false },
      { keyId: 'ed25519:old', key: encodeBase64(second.publicKey), until: 1000, isOld: true },
    ])
  })

  it('needs no old keys', () => {
    expect(checkServerKeys(signed({ old_verify_keys: undefined as never }), name)?.keys).to.have.length(1)
  })

  it('leaves out keys of other algorithms, and what is no key', () => {
    const odd = {
      'curve25519:x': { key: encodeBase64(second.publicKey) },
      'ed25519:short': { key: 'AAAA' },
      'ed25519:none': {},
      'ed25519:n': 7,
    }
    const keys = checkServerKeys(signed({ verify_keys: { ...published(first), ...odd } }), name)?.keys
    expect(keys?.map(({ keyId }) => keyId)).to.deep.equal(['ed25519:k1', 'ed25519:old'])
  })

  it('prefers a key in use to an old one of the same id', () => {
    const keys = checkServerKeys(
      signed({ old_verify_keys: { [first.keyId]: { key: encodeBase64(first.publicKey), expired_ts: 1 } } }),
      name,
    )?.keys
    expect(keys?.map(({ isOld }) => isOld)).to.deep.equal([false])
  })

  const refused: Readonly<Record<string, JsonObject>> = {
    'it names another server': signed({ server_name: 'other.example' }),
    'it is not signed': response(),
    'its signature is by a key that it does not name': signed({}, second),
    'it was changed after it was signed': { ...signed(), valid_until_ts: 9_999_999 },
    'one of two signatures is wrong': {
      ...signJson(signed({ verify_keys: { ...published(first), ...published(second) } }), name, second),
      valid_until_ts: 1,
    },
    'it holds a number that has no canonical form': { ...signed(), more: Number.POSITIVE_INFINITY },
    'it holds half a character': { ...signed(), more: '\ud800' },
    'it is valid until no time': signed({ valid_until_ts: 'tomorrow' }),
    'it is valid until a fraction': signed({ valid_until_ts: -1 }),
    'its keys are a list': signed({ verify_keys: [] }),
    'its old keys are a word': signed({ old_verify_keys: 'x' }),
    'it has a thousand keys': signed({
      verify_keys: Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`ed25519:${n}`, { key: encodeBase64(first.publicKey) }])),
    }),
  }
  for (const [words, said] of Object.entries(refused)) {
    it(`is not believed when ${words}`, () => expect(checkServerKeys(said, name)).to.equal(undefined))
  }
})

describe('a key', () => {
  const week = 7 * 24 * 3_600_000
  it('may be used until the end of its validity, and no more than a week after it was fetched', () => {
    const key = { keyId: 'ed25519:a', key: '', until: 1000 + 2 * week, isOld: false }
    expect(isValidAt(key, 1000, 1000 + week)).to.equal(true)
    expect(isValidAt(key, 1000, 1001 + week)).to.equal(false)
    expect(isValidAt({ ...key, until: 1500 }, 1000, 1500)).to.equal(true)
    expect(isValidAt({ ...key, until: 1500 }, 1000, 1501)).to.equal(false)
  })

  it('that is old was good until it expired', () => {
    const key = { keyId: 'ed25519:a', key: '', until: 1000, isOld: true }
    expect(isValidAt(key, 999_999_999, 1000)).to.equal(true)
    expect(isValidAt(key, 999_999_999, 1001)).to.equal(false)
  })
})
