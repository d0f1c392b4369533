import { expect } from 'chai'
import type { JsonObject } from '../../../../server/core/json.ts'
import { isServerAllowed } from '../../../../server/core/servers/server-acl.ts'

describe('server access control lists', () => {
  const allowed = (acl: JsonObject | undefined, servers: readonly string[]) => servers.filter((server) => isServerAllowed(acl, server))
  const some = ['good.com', 'evil.com', 'EVIL.com', 'evil.com:8448', 'evil.com.', 'evil.com.:8448', 'sub.evil.com', 'notevil.com']

  it('let everybody in where there is none, and nobody where it allows nobody', () => {
    expect(allowed(undefined, some)).to.deep.equal(some)
    for (const acl of [{}, { allow: [] }, { allow: '*' }, { allow: { 0: '*' } }, { allow: null }, { allow: [7, null, ['*']] }]) {
      expect(allowed(acl, some), JSON.stringify(acl)).to.deep.equal([])
    }
  })

  it('deny a server under every spelling of its name, and no other', () => {
    const others = ['good.com', 'sub.evil.com', 'notevil.com']
    for (const name of ['evil.com', 'EVIL.COM', 'e?il.c*'])
      expect(allowed({ allow: ['*'], deny: [name] }, some), name).to.deep.equal(others)
    expect(allowed({ allow: ['*'], deny: ['*.evil.com'] }, some)).to.not.include('sub.evil.com')
    expect(allowed({ allow: ['*'], deny: ['*.evil.com'] }, some)).to.include('evil.com')
    expect(allowed({ allow: ['*'], deny: 'evil.com' }, some)).to.deep.equal(some)
  })

  it('deny before they allow, and allow whoever is named', () => {
    expect(allowed({ allow: ['evil.com', 'GOOD.com'], deny: ['evil.com'] }, some)).to.deep.equal(['good.com'])
    expect(allowed({ allow: ['xn--bcher-kva.example'] }, ['XN--BCHER-KVA.example', 'bcher.example'])).to.deep.equal([
      'XN--BCHER-KVA.example',
    ])
  })

  it('keep addresses out only where they say so', () => {
    const addresses = ['1.2.3.4', '1.2.3.4:8448', '[2001:db8::1]', '[::1]:8448']
    expect(allowed({ allow: ['*'], allow_ip_literals: false }, [...addresses, '1.2.3.4.example'])).to.deep.equal(['1.2.3.4.example'])
    for (const value of [true, 'false', 0, null])
      expect(allowed({ allow: ['*'], allow_ip_literals: value }, addresses)).to.deep.equal(addresses)
  })
})
