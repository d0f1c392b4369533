import { expect } from 'chai'
import { encodeBase64 } from '../../../server/core/base64.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { signJson } from '../../../server/core/signatures.ts'
import { statement } from '../../../server/storage/database.ts'
import { forEachEngine, type Opened } from '../../support/storage.ts'
import { day, newer, notarys, now, ours, published, ringOver, says, theirs, type World, wanted } from './ring-over.ts'

forEachEngine('the keys of other servers that notaries tell', (open) => {
  let opened: Opened
  beforeEach(async () => {
    opened = await open()
  })
  const ring = (world: World, notaries: string[], soonMs?: number) =>
    ringOver(opened.database, world, notaries, soonMs === undefined ? {} : { soonMs })

  it('that were given up do not come back, neither by their server nor by an old answer that a notary tells', async () => {
    const old = signJson(says('peer.test', now + day, [theirs]), 'notary.test', notarys)
    let own: JsonObject | undefined = says('peer.test', now + 2 * day, [newer], [[theirs, now - day]])
    const world: World = {
      'peer.test': () => own,
      'notary.test': (uri) => (uri.endsWith('/server') ? says('notary.test', now + 9 * day, [notarys]) : { server_keys: [old] }),
    }
    const { find, clock } = ring(world, ['notary.test'])
    expect(await find(wanted)).to.equal(undefined)
    own = undefined
    clock.time += day / 2
    expect(await find({ ...wanted, at: clock.time })).to.equal(undefined)
    own = says('peer.test', now + 3 * day, [theirs])
    clock.time += day / 2
    expect(await find({ ...wanted, at: clock.time })).to.equal(undefined)
  })

  it('are asked of a notary where they cannot be had otherwise, and must be signed by both', async () => {
    const event = { ...wanted, forRequest: false }
    const said = says('peer.test', now + day, [theirs])
    const own = says('notary.test', now + day, [notarys])
    const notary = (response: JsonObject) => (uri: string) => (uri.endsWith('/server') ? own : { server_keys: [response] })
    const good = ring({ 'notary.test': notary(signJson(said, 'notary.test', notarys)) }, ['notary.test'])
    const refused = [said, signJson(said, 'notary.test', theirs), signJson({ ...said, valid_until_ts: 1 }, 'notary.test', notarys)]
    for (const response of refused) expect(await ring({ 'notary.test': notary(response) }, ['notary.test']).find(event)).to.equal(undefined)
    expect(await good.find(event)).to.equal(published)
  })

  const known = (world: (serverName: string, wanted: JsonObject) => readonly JsonObject[]): World => ({
    'notary.test': (uri, { server_keys: asked } = {}) => {
      if (uri.endsWith('/server')) return says('notary.test', now + 9 * day, [notarys])
      const [serverName, wanted] = Object.entries(asked as Record<string, JsonObject>)[0]!
      return { server_keys: world(serverName, wanted).map((response) => signJson(response, 'notary.test', notarys)) }
    },
  })

  it('that a server had one after the other a notary tells at once, each good for its time and none of before for requests', async () => {
    const [first, then] = [says('peer.test', now - 3 * day, [theirs]), says('peer.test', now + day, [newer])]
    for (const told of [
      [first, then],
      [then, first],
    ]) {
      const { find, asked } = ring(
        known((_, wanted) => (Object.keys(wanted).length === 0 ? told : [])),
        ['notary.test'],
      )
      expect(await find({ ...wanted, keyId: newer.keyId, forRequest: false })).to.equal(encodeBase64(newer.publicKey))
      expect(await find({ ...wanted, keyId: newer.keyId })).to.equal(encodeBase64(newer.publicKey))
      expect(await find({ ...wanted, at: now - 4 * day, forRequest: false })).to.equal(published)
      expect(await find({ ...wanted, forRequest: false })).to.equal(undefined)
      expect(await find(wanted)).to.equal(undefined)
      expect(asked.filter((name) => name === 'peer.test')).to.have.length(1)
    }
  })

  it('that a notary told of as former ones are in use where their server then says so itself', async () => {
    const [first, then] = [says('peer.test', now - 3 * day, [theirs]), says('peer.test', now + day, [newer])]
    let own: JsonObject | undefined
    const { find, clock } = ring({ ...known(() => [then, first]), 'peer.test': () => own }, ['notary.test'])
    expect(await find({ ...wanted, forRequest: false })).to.equal(undefined)
    expect(await find({ ...wanted, at: now - 4 * day, forRequest: false })).to.equal(published)
    own = says('peer.test', now + 2 * day, [theirs])
    clock.time += day / 2
    expect(await find({ ...wanted, at: clock.time })).to.equal(published)
  })

  it('that a notary remembers of a stranger are kept as its others are, for as long as few strangers came after', async () => {
    const own = says('peer.test', now + 2 * day, [newer])
    const told = known(() => [says('peer.test', now + day, [theirs])])
    let isThere = true
    const { find, clock } = ring({ ...told, 'peer.test': () => (isThere ? own : undefined) }, ['notary.test'])
    const request = { ...wanted, keyId: newer.keyId }
    expect(await find(request)).to.equal(encodeBase64(newer.publicKey))
    isThere = false
    clock.time += 3 * day
    expect(await find({ ...request, at: clock.time })).to.equal(undefined)
    const rows = await opened.database.select(
      statement<[], { stranger: number }>(`SELECT stranger FROM server_keys WHERE server_name = 'peer.test'`),
    )
    expect(rows.map(({ stranger }) => stranger)).to.deep.equal([1, 1])
  })

  it('are asked for by name of a notary that does not tell them otherwise', async () => {
    const { find } = ring(
      known((_, wanted) => (Object.hasOwn(wanted, theirs.keyId) ? [says('peer.test', now + day, [theirs])] : [])),
      ['notary.test'],
    )
    expect(await find({ ...wanted, forRequest: false })).to.equal(published)
  })

  it('are asked of a notary that does not answer once for all servers, and again half a minute later', async () => {
    let isThere = false
    const told = known((serverName) => [says(serverName, now + day, [theirs])])
    const { find, asked, clock } = ring({ 'notary.test': (...asked) => (isThere ? told['notary.test']!(...asked) : undefined) }, [
      'notary.test',
    ])
    const timesAsked = () => asked.filter((name) => name === 'notary.test').length
    const event = { ...wanted, forRequest: false }
    for (let n = 0; n < 5; n++) expect(await find({ ...event, serverName: `gone${n}.test` })).to.equal(undefined)
    expect(timesAsked()).to.equal(1)
    clock.time += 30_000
    await Promise.all([5, 6, 7].map((n) => find({ ...event, serverName: `gone${n}.test` })))
    clock.time += 30_000
    isThere = true
    expect(await find({ ...event, serverName: 'gone8.test' })).to.equal(published)
    expect(await find({ ...event, serverName: 'gone9.test' })).to.equal(published)
  })

  it('are believed of a notary that has a new key itself, which it is asked for once a minute', async () => {
    let signs = notarys
    const { find, asked, clock } = ring(
      {
        'notary.test': (uri, { server_keys: of } = {}) => {
          if (uri.endsWith('/server')) return says('notary.test', now + 9 * day, signs === newer ? [newer] : [notarys])
          const [serverName] = Object.keys(of as JsonObject) as [string]
          return { server_keys: [signJson(says(serverName, now + day, [theirs]), 'notary.test', signs)] }
        },
      },
      ['notary.test'],
    )
    const event = { ...wanted, forRequest: false }
    expect(await find({ ...event, serverName: 'gone1.test' })).to.equal(published)
    clock.time += 60_000
    signs = newer
    expect(await find({ ...event, serverName: 'gone2.test' })).to.equal(published)
    clock.time += 60_000
    signs = ours
    const before = asked.length
    for (let n = 3; n < 6; n++) expect(await find({ ...event, serverName: `gone${n}.test` })).to.equal(undefined)
    // Of each the server itself, and the notary for all and by name; and once the notary's own.
    expect(asked.length - before).to.equal(3 * 3 + 1)
  })

  it('are asked of no notary for strangers, who may name anybody, and keep no event from theirs', async () => {
    const told = known((_, wanted) => (Object.keys(wanted).length === 0 ? [says('peer.test', clock.time + day, [theirs])] : []))
    const { find, responsesOf, asked, clock } = ring(told, ['notary.test'])
    for (let n = 0; n < 5; n++) {
      expect(await find(wanted)).to.equal(undefined)
      expect(await responsesOf('peer.test', now)).to.deep.equal([])
    }
    expect(asked).to.deep.equal(['peer.test'])
    expect(await find({ ...wanted, forRequest: false })).to.equal(published)
    expect(await find(wanted)).to.equal(published)
    clock.time += 2 * day
    expect(await find({ ...wanted, at: clock.time })).to.equal(published)
    expect(await responsesOf('peer.test', now)).to.have.length(1)
  })

  it('are asked of a notary meanwhile where their server lets us wait, and of it alone where it answers', async () => {
    const told = known(() => [says('peer.test', now + day, [theirs])])
    const silent = new Promise<undefined>(() => {})
    const slow = ring({ ...told, 'peer.test': () => silent }, ['notary.test'], 20)
    expect(await slow.find({ ...wanted, forRequest: false })).to.equal(published)
    const quick = ring({ ...told, 'other.test': () => says('other.test', now + day, [newer]) }, ['notary.test'])
    expect(await quick.find({ ...wanted, serverName: 'other.test', keyId: newer.keyId })).to.equal(encodeBase64(newer.publicKey))
    expect(quick.asked).to.deep.equal(['other.test'])
  })
})
