import { expect } from 'chai'
import type { UserId } from '../../../../server/core/ids.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import { invitePermission } from '../../../../server/people/invites/invite-permission.ts'

describe('what becomes of an invitation', () => {
  const under = (rules: JsonObject | undefined, config?: JsonObject, ignored: UserId[] = []) =>
    invitePermission({ config, rules, ignored: new Set(ignored) })

  it('is that it is let through, where nothing is said', () => {
    for (const rules of [undefined, {}, { blocked_users: 'not a list' }, { blocked_users: [7, null] }, { blocked_servers: null }])
      expect(under(rules as JsonObject)('@bob:b.test'), JSON.stringify(rules)).to.equal('allow')
  })

  it('is that it is refused where all are blocked, whoever else is allowed', () => {
    const all = under({ allowed_users: ['*'] }, { default_action: 'block' })
    expect(all('@bob:b.test')).to.equal('block')
    expect(under(undefined, { default_action: 'something' })('@bob:b.test')).to.equal('allow')
  })

  it('is told by who invites before the server that they are of, and by what allows first', () => {
    const permission = under({
      allowed_users: ['@friend:bad.test'],
      ignored_users: ['@dull:*'],
      blocked_users: ['@spam?:*', '@dull:*'],
      allowed_servers: ['good.*'],
      blocked_servers: ['*'],
    })
    const told = ['@friend:bad.test', '@dull:good.test', '@spam1:good.test', '@spam:good.test', '@any:good.test', '@any:bad.test']
    expect(told.map((inviter) => permission(inviter as UserId))).to.deep.equal(['allow', 'ignore', 'block', 'allow', 'allow', 'block'])
  })

  it('is that nobody hears of it from those who are ignored, and that rules can be switched off', () => {
    expect(under({ allowed_users: ['*'] }, undefined, ['@bob:b.test'])('@bob:b.test')).to.equal('ignore')
    expect(under({ enabled: false, blocked_users: ['*'] })('@bob:b.test')).to.equal('allow')
  })

  it('is told quickly whatever the rules are', () => {
    const permission = under({ blocked_users: Array.from({ length: 20_000 }, (_, at) => `*a*b*c${at}`) })
    expect(permission(`@${'ab'.repeat(100)}:b.test`)).to.equal('allow')
  })
})
