import { expect } from 'chai'
import type { Json } from '../../../server/core/json.ts'
import { compileNamespaces, isInNamespace, namespaceOf } from '../../../server/core/namespaces.ts'

const irc = compileNamespaces({
  users: [
    { regex: '@_irc_.*', exclusive: true },
    { regex: '@irc-(a|b):b\\.test', exclusive: false },
  ],
  aliases: [{ regex: '#_irc_.*', exclusive: false }],
  rooms: [],
})

describe('the namespaces of an application service', () => {
  it('claim users, aliases and rooms, each by their own list', () => {
    expect(namespaceOf(irc, '@_irc_bob:b.test')).to.equal('exclusive')
    expect(namespaceOf(irc, '@irc-a:b.test')).to.equal('shared')
    expect(namespaceOf(irc, '#_irc_room:b.test')).to.equal('shared')
    expect(namespaceOf(irc, '@bob:b.test')).to.equal(undefined)
    expect(namespaceOf(irc, '!_irc_room:b.test')).to.equal(undefined)
  })

  it('match from the beginning of an id, not in its midst', () => {
    expect(isInNamespace(irc, '@x@_irc_bob:b.test')).to.equal(false)
    expect(isInNamespace(irc, '@_irc_:b.test')).to.equal(true)
    const either = compileNamespaces({ users: [{ regex: '@a_.*|@b_.*', exclusive: true }] })
    expect([isInNamespace(either, '@b_1:b'), isInNamespace(either, '@c@b_1:b')]).to.deep.equal([true, false])
  })

  it('are exclusive when one of several that match is', () => {
    const both = compileNamespaces({
      users: [
        { regex: '@.*', exclusive: false },
        { regex: '@_x.*', exclusive: true },
      ],
    })
    expect(namespaceOf(both, '@_x1:b')).to.equal('exclusive')
    expect(namespaceOf(both, '@y:b')).to.equal('shared')
  })

  it('give the same answer every time', () => {
    for (let round = 0; round < 3; round++) expect(isInNamespace(irc, '@_irc_bob:b.test')).to.equal(true)
  })

  it('may leave out a list, and escape more than they must', () => {
    const loose = compileNamespaces({ users: [{ regex: '\\@\\_irc\\_.*\\:b\\.test', exclusive: true }], rooms: null })
    expect(isInNamespace(loose, '@_irc_bob:b.test')).to.equal(true)
    expect(isInNamespace(loose, '#_irc_bob:b.test')).to.equal(false)
  })

  it('say in words what is wrong with them', () => {
    const wrong: [Json | undefined, string][] = [
      [undefined, 'namespaces is not a map'],
      [[], 'namespaces is not a map'],
      [{ users: {} }, 'namespaces.users is not a list'],
      [{ rooms: ['x'] }, 'an entry of namespaces.rooms has no regex'],
      [{ users: [{ regex: 7, exclusive: true }] }, 'an entry of namespaces.users has no regex'],
      [{ aliases: [{ regex: '#x' }] }, 'an entry of namespaces.aliases does not say whether it is exclusive'],
      [{ users: [{ regex: '@(', exclusive: true }] }, 'a regex of namespaces.users is not valid: @('],
    ]
    for (const [value, words] of wrong) expect(() => compileNamespaces(value)).to.throw(words)
  })
})
