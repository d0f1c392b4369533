import { expect } from 'chai'
import type { JsonObject } from '../../../../server/core/json.ts'
import { isAllowedByAcl } from '../../../../server/core/servers/server-acl.ts'

type Case = { words: string; content: JsonObject | undefined; allowed?: string[]; denied?: string[] }

const cases: Case[] = [
  { words: 'a room without an ACL', content: undefined, allowed: ['evil.example', '1.2.3.4', '[::1]'] },
  { words: 'an ACL that says nothing', content: {}, denied: ['good.example'] },
  { words: 'allow that is no list', content: { allow: '*' }, denied: ['good.example'] },
  { words: 'what is no text in allow', content: { allow: [7, null, { '*': '*' }, ['*']] }, denied: ['good.example'] },
  { words: 'everybody', content: { allow: ['*'] }, allowed: ['good.example', '1.2.3.4:8448', '[::1]:8448'] },
  {
    words: 'one denied of all',
    content: { allow: ['*'], deny: ['evil.example'] },
    denied: ['evil.example', 'EVIL.example', 'evil.example:8448', 'evil.example:1', 'evil.example.', 'evil.example.:8448'],
    allowed: ['good.example', 'not-evil.example', 'sub.evil.example', 'evil.example.org'],
  },
  { words: 'capitals in the rule', content: { allow: ['*'], deny: ['EVIL.Example'] }, denied: ['evil.example'] },
  {
    words: 'a star',
    content: { allow: ['*'], deny: ['*.evil.example'] },
    denied: ['a.evil.example', 'a.b.evil.example'],
    allowed: ['evil.example'],
  },
  { words: 'a question mark', content: { allow: ['hs?.example'] }, allowed: ['hs1.example'], denied: ['hs.example', 'hs12.example'] },
  {
    words: 'a rule that names a port',
    content: { allow: ['*'], deny: ['evil.example:8448'] },
    allowed: ['evil.example:8448', 'evil.example'],
  },
  { words: 'punycode', content: { allow: ['*'], deny: ['xn--bse-sna.example'] }, denied: ['xn--bse-sna.example:443'] },
  {
    words: 'IP literals that are not wanted',
    content: { allow: ['*'], allow_ip_literals: false },
    denied: ['1.2.3.4', '1.2.3.4:8448', '[::1]', '[2001:db8::1]:8448'],
    allowed: ['good.example', '1.2.3.4.example'],
  },
  { words: 'allow_ip_literals that is no boolean', content: { allow: ['*'], allow_ip_literals: 'false' }, allowed: ['1.2.3.4'] },
  { words: 'one IP address', content: { allow: ['*'], deny: ['[::1]', '10.*'] }, denied: ['[::1]:8448', '10.0.0.1'], allowed: ['[::2]'] },
  { words: 'deny that is no list', content: { allow: ['*'], deny: 'evil.example' }, allowed: ['evil.example'] },
]

describe('a server ACL', () => {
  for (const { words, content, allowed = [], denied = [] } of cases) {
    it(`judges servers by ${words}`, () => {
      expect(allowed.filter((server) => !isAllowedByAcl(content, server))).to.deep.equal([])
      expect(denied.filter((server) => isAllowedByAcl(content, server))).to.deep.equal([])
    })
  }

  it('is not slowed by patterns that are made for it', () => {
    const content = { allow: ['*'], deny: Array.from({ length: 2000 }, () => `${'*a'.repeat(100)}b`) }
    expect(isAllowedByAcl(content, 'a'.repeat(200))).to.equal(true)
  })
})
