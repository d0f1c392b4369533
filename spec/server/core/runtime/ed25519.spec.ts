import { expect } from 'chai'
import { encodeBase64 } from '../../../../server/core/base64.ts'
import { ed25519PublicKey, signWithNode, verifyWithNode } from '../../../../server/core/runtime/ed25519.ts'
import { generateSigningKey, signText, verifyText } from '../../../../server/core/signatures.ts'

const hex = (text: string) => Buffer.from(text, 'hex')

/** The first two test vectors of RFC 8032, section 7.1. */
const vectors = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
]

describe('Ed25519 without libsodium', () => {
  it('gives the keys and signatures of RFC 8032', () => {
    for (const { seed, publicKey, message, signature } of vectors) {
      expect(Buffer.from(ed25519PublicKey(hex(seed))).toString('hex')).to.equal(publicKey)
      expect(signWithNode(hex(message), hex(seed)).toString('hex')).to.equal(signature)
      expect(verifyWithNode(hex(message), hex(signature), hex(publicKey))).to.equal(true)
      expect(verifyWithNode(hex('73'), hex(signature), hex(publicKey))).to.equal(false)
    }
  })

  it('agrees with what signatures are made with', () => {
    const key = generateSigningKey(new Uint8Array(32).fill(5))
    expect(signText('text', key)).to.equal(encodeBase64(signWithNode(Buffer.from('text'), key.seed)))
    expect(verifyText('text', encodeBase64(signWithNode(Buffer.from('text'), key.seed)), key.publicKey)).to.equal(true)
  })

  it('finds no signature valid under what is no key, and never throws', () => {
    const signature = hex(vectors[0]!.signature)
    for (const publicKey of [new Uint8Array(0), new Uint8Array(31), new Uint8Array(32).fill(255)]) {
      expect(verifyWithNode(new Uint8Array(0), signature, publicKey)).to.equal(false)
    }
    expect(verifyWithNode(new Uint8Array(0), new Uint8Array(63), hex(vectors[0]!.publicKey))).to.equal(false)
  })
})
