import { expect } from 'chai'
import { createPasswords } from '../../../server/people/passwords.ts'

describe('createPasswords', () => {
  it('hashes with Argon2id at the cost that is recommended, never twice alike', async () => {
    const passwords = createPasswords('default')
    const [one, two] = await Promise.all([passwords.hash('secret'), passwords.hash('secret')])
    expect(one).to.match(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(one).not.to.equal(two)
    expect([await passwords.check(one, 'secret'), await passwords.check(one, 'Secret')]).to.deep.equal([true, false])
  })
  it('finds no password right where there is no hash, or none that can be read', async () => {
    const passwords = createPasswords('fast')
    for (const hashed of [undefined, '', 'nonsense']) expect(await passwords.check(hashed, 'nobody has this password')).to.equal(false)
  })
  it('does not take a password for another that begins alike', async () => {
    const passwords = createPasswords('fast')
    const hashed = await passwords.hash('x'.repeat(512))
    expect(await passwords.check(hashed, 'x'.repeat(513))).to.equal(false)
  })
})
