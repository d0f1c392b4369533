import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { readRegistration, readRegistrations } from '../../../server/people/registrations.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'

const good = {
  id: 'bridge',
  url: 'http://localhost:9/',
  as_token: 'as',
  hs_token: 'hs',
  sender_localpart: 'bot',
  namespaces: { users: [{ regex: '@_b_.*', exclusive: true }] },
}

describe('readRegistration', () => {
  it('reads what a registration says, and what it leaves out', () => {
    expect(readRegistration(good, 'hs.test')).to.deep.include({
      id: 'bridge',
      url: 'http://localhost:9',
      sender: '@bot:hs.test',
      rateLimited: true,
      receiveEphemeral: false,
      receiveDevices: false,
      protocols: [],
    })
  })
  it('takes the older names of what a service wants to hear', () => {
    const older = { ...good, 'de.sorunome.msc2409.push_ephemeral': true, 'org.matrix.msc3202': true, url: null }
    expect(readRegistration(older, 'hs.test')).to.include({ receiveEphemeral: true, receiveDevices: true, url: null })
  })
  it('says in words what is wrong', () => {
    const wrong: [object, RegExp][] = [
      [{ id: 1 }, /^id is missing/],
      [{ as_token: '' }, /^as_token is missing/],
      [{ hs_token: 'as' }, /are the same/],
      [{ url: 'ftp://x' }, /^url is neither/],
      [{ sender_localpart: 'Bot!' }, /^sender_localpart/],
      [{ rate_limited: 'no' }, /^rate_limited/],
      [{ namespaces: { users: [{ regex: '(', exclusive: true }] } }, /namespaces\.users/],
      [{ namespaces: { users: [{ regex: 'x' }] } }, /exclusive/],
      [{ protocols: 'irc' }, /^protocols/],
    ]
    for (const [change, words] of wrong) expect(() => readRegistration({ ...good, ...change }, 'hs.test')).to.throw(words)
    expect(() => readRegistration('text', 'hs.test')).to.throw('keys and values')
  })
})

describe('readRegistrations', () => {
  let folder: string
  beforeEach(() => {
    folder = temporaryFolder()
  })
  afterEach(() => removeFolder(folder))
  const write = (name: string, of: object) => {
    const file = join(folder, name)
    writeFileSync(file, JSON.stringify(of))
    return file
  }

  it('refuses two services with one id, one token or one sender', () => {
    const first = write('a.yaml', good)
    const others: [object, string][] = [
      [{ ...good, as_token: 'b', sender_localpart: 'b' }, 'id'],
      [{ ...good, id: 'b', sender_localpart: 'b' }, 'as_token'],
      [{ ...good, id: 'b', as_token: 'b' }, 'sender_localpart'],
    ]
    for (const [other, what] of others) {
      expect(() => readRegistrations([first, write('b.yaml', other)], 'hs.test')).to.throw(`the same ${what}`)
    }
  })
  it('names the file that cannot be used, and never shows a token', () => {
    const file = write('broken.yaml', { ...good, as_token: 'very secret', url: 'x' })
    expect(() => readRegistrations([file], 'hs.test'))
      .to.throw(/broken\.yaml cannot be used: url/)
      .and.not.match(/very secret/)
    expect(() => readRegistrations([join(folder, 'none.yaml')], 'hs.test')).to.throw('none.yaml')
  })
})
