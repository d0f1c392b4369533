import { expect } from 'chai'
import { encodeBase64 } from '../../../server/core/base64.ts'
import { statement } from '../../../server/storage/database.ts'
import { forEachEngine, type Opened } from '../../support/storage.ts'
import { day, key, newer, now, ours, published, ringOver, says, theirs, type World, wanted } from './ring-over.ts'

forEachEngine('the keys of other servers', (open) => {
  let opened: Opened
  beforeEach(async () => {
    opened = await open()
  })
  const ring = (world: World, bounds?: Parameters<typeof ringOver>[3]) => ringOver(opened.database, world, [], bounds)

  it('are asked of them once, by however many, and are there after a restart', async () => {
    const world = { 'peer.test': () => says('peer.test', now + day, [theirs]) }
    const { find, asked } = ring(world)
    expect(await Promise.all([find(wanted), find(wanted), find(wanted)])).to.deep.equal([published, published, published])
    expect(asked).to.deep.equal(['peer.test'])
    const again = ring({})
    expect(await again.find(wanted)).to.equal(published)
    expect(again.asked).to.deep.equal([])
  })

  it('are asked for again when they are no longer valid, and not used when nobody answers', async () => {
    let until = now + day
    const { find, asked, clock } = ring({ 'peer.test': () => (until > 0 ? says('peer.test', until, [theirs]) : undefined) })
    expect(await find(wanted)).to.equal(published)
    clock.time = now + 2 * day
    until = 0
    expect(await find({ ...wanted, at: clock.time })).to.equal(undefined)
    expect(await find(wanted)).to.equal(published)
    until = now + 9 * day
    clock.time += day
    expect(await find({ ...wanted, at: clock.time })).to.equal(published)
    expect(asked).to.have.length(3)
  })

  it('are valid no longer than a week after they were fetched, whatever they say', async () => {
    const { find, clock } = ring({ 'peer.test': () => says('peer.test', now + 9999 * day, [theirs]) })
    expect(await find(wanted)).to.equal(published)
    expect(await find({ ...wanted, at: now + 8 * day })).to.equal(undefined)
    clock.time = now + 8 * day
    expect(await find({ ...wanted, at: clock.time })).to.equal(published)
  })

  it('of a server whose clock is days behind are good for its requests for an hour after it said them, and for no event of now', async () => {
    let isThere = true
    const { find, asked, clock } = ring({
      'peer.test': () => (isThere ? says('peer.test', now - 2 * day, [theirs], [[newer, 1]]) : undefined),
    })
    expect(await find(wanted)).to.equal(published)
    expect(await find({ ...wanted, keyId: newer.keyId })).to.equal(undefined)
    expect(await find({ ...wanted, forRequest: false })).to.equal(undefined)
    clock.time = now + 3_500_000
    expect(await find({ ...wanted, at: clock.time })).to.equal(published)
    clock.time = now + 3_700_000
    expect(await find({ ...wanted, at: clock.time })).to.equal(published)
    expect(asked).to.have.length(2)
    isThere = false
    clock.time = now + 9_000_000
    expect(await find({ ...wanted, at: clock.time })).to.equal(undefined)
  })

  it('are asked for again where the clock was set back since', async () => {
    let isThere = false
    const { find, clock } = ring({ 'peer.test': () => (isThere ? says('peer.test', now + day, [theirs]) : undefined) })
    expect(await find(wanted)).to.equal(undefined)
    isThere = true
    expect(await find(wanted)).to.equal(undefined)
    clock.time = now - 3_600_000
    expect(await find({ ...wanted, at: clock.time })).to.equal(published)
  })

  it('that are old are good for events of their time, and for no request', async () => {
    const { find } = ring({ 'peer.test': () => says('peer.test', now + day, [newer], [[theirs, now - day]]) })
    const event = { serverName: 'peer.test', keyId: theirs.keyId }
    expect(await find({ ...event, at: now - 2 * day })).to.equal(published)
    expect(await find({ ...event, at: now })).to.equal(undefined)
    expect(await find({ ...event, at: undefined })).to.equal(published)
    expect(await find({ ...event, at: now - 2 * day, forRequest: true })).to.equal(undefined)
  })

  it('are kept when their server no longer names them', async () => {
    let keys = [theirs]
    const { find, clock } = ring({ 'peer.test': () => says('peer.test', clock.time + day, keys) })
    expect(await find(wanted)).to.equal(published)
    keys = [newer]
    clock.time += day / 2
    expect(await find({ ...wanted, keyId: newer.keyId, at: clock.time })).to.equal(encodeBase64(newer.publicKey))
    expect(await find({ ...wanted, forRequest: false })).to.equal(published)
  })

  it('cost a server few questions when somebody names keys that it has not, and fewer when it is away', async () => {
    const { find, asked, clock } = ring({ 'peer.test': () => says('peer.test', now + day, [theirs]) })
    for (let n = 0; n < 50; n++) await find({ ...wanted, keyId: `ed25519:made_up_${n}` })
    expect(asked).to.have.length(2)
    const away = ring({})
    for (let seconds = 0; seconds < 3600; seconds += 10) {
      await away.find({ ...wanted, serverName: 'away.test' })
      away.clock.time += 10_000
    }
    expect(away.asked.length).to.be.within(5, 12)
    expect(clock.time).to.equal(now)
  })

  it('cost a server that answers one question a minute too where we are asked on behalf of others', async () => {
    const { find, responsesOf, asked, clock } = ring({ 'peer.test': () => says('peer.test', now + day, [theirs]) })
    for (let n = 0; n < 50; n++) await responsesOf('peer.test', 0, [`ed25519:made_up_${n}`])
    await find({ ...wanted, forRequest: false })
    expect(asked).to.have.length(1)
    clock.time += 60_000
    await find({ ...wanted, keyId: 'ed25519:made_up', forRequest: false })
    for (let n = 0; n < 50; n++) await responsesOf('peer.test', 0, [`ed25519:made_up_${n}`])
    expect(asked).to.have.length(2)
  })

  it('are not asked for without end of a server whose answer cannot be read', async () => {
    const odd = () => ({ ...says('peer.test', now + day, [theirs]), more: Number.POSITIVE_INFINITY })
    const { find, asked } = ring({ 'peer.test': odd })
    for (let n = 0; n < 5; n++) expect(await find(wanted)).to.equal(undefined)
    expect(asked).to.have.length(1)
  })

  it('are asked of fifty servers at a time, however many are named', async () => {
    const silence = Promise.withResolvers<undefined>()
    const names = Array.from({ length: 300 }, (_, n) => `server${n}.test`)
    const { find, asked } = ring(Object.fromEntries(names.map((name) => [name, () => silence.promise])))
    const finding = names.map((serverName) => find({ ...wanted, serverName }))
    await Promise.all(finding.slice(-100))
    expect(asked).to.have.length(50)
    silence.resolve(undefined)
    expect(new Set(await Promise.all(finding))).to.deep.equal(new Set([undefined]))
  })

  it('are asked of all servers for events, fifty at a time, each in its turn', async () => {
    let [atOnce, most] = [0, 0]
    const silence = Promise.withResolvers<void>()
    const names = Array.from({ length: 120 }, (_, n) => `server${n}.test`)
    const slowly = async (serverName: string) => {
      most = Math.max(most, ++atOnce)
      await silence.promise
      atOnce--
      return says(serverName, now + day, [theirs])
    }
    const { find, asked } = ring(Object.fromEntries(names.map((name) => [name, () => slowly(name)])))
    const finding = names.map((serverName) => find({ ...wanted, serverName, forRequest: false }))
    while (asked.length < 50) await new Promise((resolve) => setImmediate(resolve))
    silence.resolve()
    expect(new Set(await Promise.all(finding))).to.deep.equal(new Set([published]))
    expect([asked.length, most]).to.deep.equal([120, 50])
  })

  it('are not waited for without end where fifty servers do not answer', async () => {
    const silence = Promise.withResolvers<undefined>()
    const names = Array.from({ length: 50 }, (_, n) => `server${n}.test`)
    const world: World = Object.fromEntries(names.map((name) => [name, () => silence.promise]))
    const { find, asked } = ring({ ...world, 'peer.test': () => says('peer.test', now + day, [theirs]) }, { turnMs: 20 })
    const event = { ...wanted, forRequest: false }
    const finding = names.map((serverName) => find({ ...event, serverName }))
    while (asked.length < 50) await new Promise((resolve) => setImmediate(resolve))
    expect(await find(event)).to.equal(undefined)
    silence.resolve(undefined)
    await Promise.all(finding)
    expect(await find(event)).to.equal(published)
  })

  it('that are new are had at once of a server that told its keys a moment ago, and made-up ones cost it a question every ten seconds', async () => {
    let keys = [theirs]
    const { find, asked, clock } = ring({ 'peer.test': () => says('peer.test', now + day, keys) })
    expect(await find(wanted)).to.equal(published)
    keys = [newer]
    clock.time += 1000
    expect(await find({ ...wanted, keyId: newer.keyId, at: clock.time })).to.equal(encodeBase64(newer.publicKey))
    expect(asked).to.have.length(2)
    for (let seconds = 0; seconds < 50; seconds++) {
      await find({ ...wanted, keyId: `ed25519:made_up_${seconds}`, forRequest: seconds % 2 === 0 })
      clock.time += 1000
    }
    expect(asked.length).to.be.within(6, 7)
    const away = ring({})
    for (let n = 0; n < 5; n++) await away.find({ ...wanted, serverName: 'away.test', keyId: `ed25519:made_up_${n}` })
    expect(away.asked).to.have.length(1)
  })

  it('are had for events while strangers name servers that do not answer', async () => {
    const silence = Promise.withResolvers<undefined>()
    const names = Array.from({ length: 100 }, (_, n) => `server${n}.test`)
    const world: World = Object.fromEntries(names.map((name) => [name, () => silence.promise]))
    const { find, responsesOf, asked } = ring({ ...world, 'peer.test': () => says('peer.test', now + day, [theirs]) })
    const finding = [
      ...names.slice(0, 60).map((serverName) => find({ ...wanted, serverName })),
      ...names.slice(60).map((name) => responsesOf(name, 0)),
    ]
    while (asked.length < 50) await new Promise((resolve) => setImmediate(resolve))
    expect(await find({ ...wanted, forRequest: false })).to.equal(published)
    silence.resolve(undefined)
    await Promise.all(finding)
  })

  it('are had for requests of servers that have a part in something, while strangers name servers that do not answer', async () => {
    const silence = Promise.withResolvers<undefined>()
    const names = Array.from({ length: 120 }, (_, n) => `server${n}.test`)
    const silent: World = Object.fromEntries(names.map((name) => [name, () => silence.promise]))
    const { find, responsesOf, asked, clock } = ring({ ...silent, 'peer.test': () => says('peer.test', clock.time + day, [theirs]) })
    expect(await find({ ...wanted, forRequest: false })).to.equal(published)
    clock.time += 2 * day
    const finding = [
      ...names.slice(0, 60).map((serverName) => find({ ...wanted, serverName })),
      ...names.slice(60).map((name) => responsesOf(name, 0)),
    ]
    while (asked.length < 101) await new Promise((resolve) => setImmediate(resolve))
    expect(await find({ ...wanted, at: clock.time })).to.equal(published)
    expect(asked).to.have.length(102)
    silence.resolve(undefined)
    await Promise.all(finding)
  })

  it('take no more room when a server names ever new ones', async () => {
    const { find, responsesOf, clock } = ring({
      'peer.test': () =>
        says(
          'peer.test',
          clock.time + 1,
          Array.from({ length: 30 }, (_, n) => key(clock.time + n)),
        ),
    })
    for (let n = 0; n < 10; n++) {
      await find({ ...wanted, keyId: `ed25519:k${clock.time}`, at: clock.time })
      clock.time += day
    }
    expect(await opened.database.select(statement<[], { key_id: string }>('SELECT key_id FROM server_keys'))).to.have.length(64)
    expect(await responsesOf('peer.test', 0)).to.have.length(1)
  })

  it('are kept of few strangers, the newest, and of all who have a part in something', async () => {
    const names = Array.from({ length: 40 }, (_, n) => `server${n}.test`)
    const world = Object.fromEntries(names.map((name) => [name, () => says(name, now + day, [theirs])]))
    const { find, responsesOf, clock } = ring(world, { mostStrangers: 10 })
    const request = async (serverName: string) => {
      clock.time += 1
      return find({ ...wanted, serverName })
    }
    const [guest, asked, joined] = names as [string, string, string]
    await request(guest)
    await responsesOf(asked, now)
    await find({ ...wanted, serverName: joined, forRequest: false })
    await find({ ...wanted, serverName: guest, forRequest: false })
    for (const serverName of names.slice(3)) expect(await request(serverName)).to.equal(published)
    const kept = [guest, joined, ...names.slice(30)]
    for (const table of ['server_keys', 'server_key_responses']) {
      const rows = await opened.database.select(statement<[], { server_name: string }>(`SELECT server_name FROM ${table}`))
      expect(new Set(rows.map((row) => row.server_name))).to.include.all.keys(kept)
      expect(rows).to.have.lengthOf.at.most(kept.length + 1)
    }
    clock.time += 60_000
    expect(await request(names[5]!)).to.equal(published)
  })

  it('are kept of few strangers also where the server is started again before it has heard of many', async () => {
    const names = Array.from({ length: 30 }, (_, n) => `server${n}.test`)
    for (const [n, serverName] of names.entries()) {
      const { find, clock } = ring({ [serverName]: () => says(serverName, now + day, [theirs]) }, { mostStrangers: 25 })
      clock.time = now + n
      expect(await find({ ...wanted, serverName })).to.equal(published)
    }
    expect(await opened.database.select(statement<[], { key_id: string }>('SELECT key_id FROM server_keys'))).to.have.lengthOf.at.most(26)
  })

  it('are asked for again, on behalf of others, where what is known does not name the one they want', async () => {
    let keys = [theirs]
    const { responsesOf, asked, clock } = ring({ 'peer.test': () => says('peer.test', now + 9 * day, keys) })
    await responsesOf('peer.test', now, [theirs.keyId])
    keys = [newer]
    clock.time += day / 24
    await responsesOf('peer.test', now, [theirs.keyId])
    expect(asked).to.have.length(1)
    expect(await responsesOf('peer.test', now, [newer.keyId])).to.deep.equal([says('peer.test', now + 9 * day, [newer])])
    expect(asked).to.have.length(2)
  })

  it('are told on as their server signed them, asked for again when they end too soon', async () => {
    const { responsesOf, asked, clock } = ring({ 'peer.test': () => says('peer.test', clock.time + day, [theirs]) })
    expect(await responsesOf('peer.test', now)).to.deep.equal([says('peer.test', now + day, [theirs])])
    await responsesOf('peer.test', now + day)
    expect(asked).to.have.length(1)
    clock.time += day / 2
    expect(await responsesOf('peer.test', now + 1.2 * day)).to.deep.equal([says('peer.test', now + 1.5 * day, [theirs])])
    expect(await responsesOf('nobody.test', now)).to.deep.equal([])
  })

  it('of this server are its own', async () => {
    const { find, asked } = ring({})
    expect(await find({ serverName: 'here.test', keyId: ours.keyId, at: now })).to.equal(encodeBase64(ours.publicKey))
    expect(await find({ serverName: 'here.test', keyId: 'ed25519:other', at: now })).to.equal(undefined)
    expect(asked).to.deep.equal([])
  })
})
