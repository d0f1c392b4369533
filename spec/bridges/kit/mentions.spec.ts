import { expect } from 'chai'
import { withNames } from '../../../bridges/kit/mentions.ts'
import { textOf } from '../../../bridges/kit/outbound/words.ts'
import { readMarkup, writeMarkup } from '../../../bridges/protocols/graph/whatsapp-markup.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { bot, createWorld, openKit, type World } from './house-of-cards.ts'
import { about, alice, ana, answering, edited, ghostOf, hub, live, said, text, wrote } from './story.ts'

const ben = ghostOf('messenger')
const html = (body: string, formatted: string) => text(body, { format: 'org.matrix.custom.html', formatted_body: formatted })
const pill = (userId: string, words: string) => `<a href="https://matrix.to/#/${userId}">${words}</a>`

describe('a mention', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    world.members = [
      { userId: alice, membership: 'join', name: 'Alice' },
      { userId: '@bob:hs.test', membership: 'join', name: 'Bob & Co' },
      { userId: '@zoe1:hs.test', membership: 'join', name: 'Zoe' },
      { userId: '@zoe2:hs.test', membership: 'join', name: 'Zoe' },
      { userId: '@bureau:hs.test', membership: 'join', name: '+1 555 123 4567' },
      { userId: ben, membership: 'join', name: 'Ben (Messenger)' },
      { userId: bot, membership: 'join', name: 'Bot' },
    ]
    await live(world, { heard: [said(ana, 'w1', 'hello')] })
  })
  afterEach(() => removeFolder(world.folder))
  const heard = async (words: string, more: Parameters<typeof said>[3] = {}) => {
    await live(world, { heard: [said(ana, `w${world.events.length + 1}`, words, more)] })
    return world.events.findLast(({ clear }) => clear['body'] === words)?.clear ?? {}
  }
  const carried = async (content: Record<string, unknown>) => {
    await live(world, { posted: [wrote(`$a${world.posted.length}`, alice, content)] })
    return world.sent.at(-1)?.text
  }

  describe('from the network', () => {
    it('is of whoever wrote what a message answers, but of nobody by themselves or by the bot', async () => {
      await live(world, { posted: [wrote('$a', alice, text('which one?'))] })
      expect((await heard('that one', { replyTo: 'm0' }))['m.mentions']).to.deep.equal({ user_ids: [alice] })
      expect((await heard('I said', { replyTo: 'w1' }))['m.mentions']).to.deep.equal({})
      expect((await heard('hm'))['m.mentions']).to.deep.equal({})
    })

    it('is of those who are named after an @, as a link too, whoever else is in the room', async () => {
      const one = await heard('@alice and @Bob & Co: look, @ben!')
      expect(one['m.mentions']).to.have.property('user_ids').with.members([alice, '@bob:hs.test', ben])
      const links = [pill(alice, 'alice'), pill('@bob:hs.test', 'Bob &amp; Co'), pill(ben, 'ben')]
      expect(one['formatted_body']).to.equal(`${links[0]} and ${links[1]}: look, ${links[2]}!`)
      expect((await heard('<b>@Alice</b>'))['formatted_body']).to.equal(`&lt;b&gt;${pill(alice, 'Alice')}&lt;/b&gt;`)
    })

    it('is of people whose names and ids hold any sign there is', async () => {
      const signs = Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at)).filter((sign) => sign !== ':')
      const names = signs.map((sign, at) => ({ userId: `@u${at}:hs.test`, membership: 'join' as const, name: `${sign}X${at}${sign}y` }))
      world.members = [...names, { userId: '@mary-ann._=/+1:hs.test', membership: 'join', name: 'Mary Ann' }]
      for (const { userId, name } of names) expect((await heard(`@${name}, hi`))['m.mentions'], name).to.deep.equal({ user_ids: [userId] })
      const one = await heard('so @mary-ann._=/+1 and @Mary Ann')
      const links = ['mary-ann._=/+1', 'Mary Ann'].map((words) => pill('@mary-ann._=/+1:hs.test', words))
      expect(one['formatted_body']).to.equal(`so ${links.join(' and ')}`)
    })

    it('is of the longest name that fits, and of no more people than anybody names', async () => {
      world.members = [
        { userId: '@ann:hs.test', membership: 'join', name: 'Ann' },
        { userId: '@annb:hs.test', membership: 'join', name: 'Ann B' },
        ...Array.from({ length: 5000 }, (_, n) => ({ userId: `@p${n}:hs.test`, membership: 'join' as const, name: `Person ${n}x` })),
      ]
      expect((await heard('@Ann B and @ANN Bee'))['m.mentions']).to.deep.equal({ user_ids: ['@annb:hs.test', '@ann:hs.test'] })
      const many = await heard(Array.from({ length: 1500 }, (_, n) => `@Person ${n}x`).join(' '))
      expect((many['m.mentions'] as { user_ids: string[] }).user_ids).to.have.length(200)
    })

    it('is none where it is not clear who is meant', async () => {
      for (const words of ['@Zoe', 'mail@alice.example', '@aliceandra', '@Bot', '@room', 'Alice', '@Ana', '@someone:else'])
        expect((await heard(words))['m.mentions'], words).to.deep.equal({})
    })

    it('stands in a correction as it stands then', async () => {
      await live(world, { heard: [about(ana, 'edit', 'w1', { text: 'hello @Alice' })] })
      const { clear } = world.events.findLast(({ clear: content }) => 'm.new_content' in content)!
      expect(clear['m.new_content']).to.deep.include({ body: 'hello @Alice', 'm.mentions': { user_ids: [alice] } })
      expect(clear['m.mentions']).to.deep.equal({})
    })
  })

  it('of the author of a message stands with what the bot says of it', async () => {
    world.answers = [() => ({ kind: 'refused', class: 'other', words: 'No.' })]
    await live(world, { posted: [wrote('$a', alice, text('hi'))] })
    const notice = world.events.findLast(({ clear }) => clear['msgtype'] === 'm.notice')
    expect(notice?.clear['m.mentions']).to.deep.equal({ user_ids: [alice] })
  })

  describe('from Matrix', () => {
    it('goes by the name that people have in the room, whatever the link says', async () => {
      expect(await carried(html('x', `${pill(ben, ben)}: ask ${pill('@bob:hs.test', '@bob:hs.test')}`))).to.equal('Ben: ask Bob & Co')
      expect(await carried(html('x', `${pill('%40alice%3Ahs.test', '+1 555 765 4321')} <strong>now</strong>`))).to.equal('Alice now')
      expect(await carried(text(`ask [${ben}](https://matrix.to/#/${ben}) now`))).to.equal('ask Ben now')
      expect(await carried(text(`ask ${ben}, or @bob:hs.test`))).to.equal('ask Ben, or Bob & Co')
    })

    it('brings no id and no number along, also of those who have no name or have gone', async () => {
      expect(await carried(html('x', `${pill('@bureau:hs.test', '+1 555 123 4567')} has it`))).to.equal('bureau has it')
      const gone = [pill(ghostOf('instagram'), ghostOf('instagram')), pill('@15551234567:hs.test', '+1 555 123 4567')]
      expect(await carried(html('x', gone.join(' and ')))).to.equal('somebody and somebody')
      expect(await carried(html('x', `${pill('@carol:hs.test', 'Carol')} knows`))).to.equal('Carol knows')
    })

    it('goes by name where the words bear marks, whether or not there is a link', async () => {
      const kit = await openKit(world)
      const markup = { write: writeMarkup, read: readMarkup }
      const marked = async (body: string, formatted: string) => textOf(await withNames(kit, '!room0', html(body, formatted)), markup)
      expect(await marked('hi @bob:hs.test', '<b>hi</b> @bob:hs.test')).to.equal('*hi* Bob & Co')
      expect(await marked('hi @bob:hs.test', '<b>hi @bob:</b>hs.test')).to.equal('hi Bob & Co')
      expect(await marked('hi @bob:hs.test', '<b>hi</b> &#64;bob&#58;hs.test')).to.equal('*hi* Bob & Co')
      expect(await marked('hi Bob', '<b>hi</b> <a href="matrix:u/bob:hs.test">@bob:hs.test</a>')).to.equal('*hi* Bob & Co')
      expect(await marked('x', '<b>Bob &amp; Zoe</b>, @ home at 5:30')).to.equal('*Bob & Zoe*, @ home at 5:30')
      kit.close()
    })

    it('brings no id along of those who are not in the room, nor in a link that is written out', async () => {
      expect(await carried(text('ask @carol:else.example, not @15551234567:else.example'))).to.equal('ask carol, not somebody')
      expect(await carried(html('x', '<b>ask</b> @carol:hs.test'))).to.equal('ask carol')
      expect(await carried(text('see https://matrix.to/#/@bob:hs.test or matrix:u/carol:hs.test!'))).to.equal('see Bob & Co or carol!')
      expect(await carried(text('see https://matrix.to/#/%40bob%3Ahs.test?via=hs.test'))).to.equal('see Bob & Co')
      expect(await carried(text('[Bob](matrix:u/bob:hs.test), @work:10 and mail@bob.example'))).to.equal(
        'Bob & Co, @work:10 and mail@bob.example',
      )
    })

    it('goes by name in corrections, captions and quotes as well', async () => {
      await carried(text('hi'))
      await live(world, { posted: [edited('$e', alice, '$a0', `hi @bob:hs.test`)] })
      expect(world.sent.at(-1)?.text).to.equal('✏️ Corrected: hi Bob & Co')
      await live(world, { posted: [wrote('$n', '@carol:hs.test', { msgtype: 'm.notice', body: `for ${ben}` })] })
      expect(await carried({ ...text('yes'), ...answering('$n') })).to.equal('↩ “for Ben”\nyes')
    })

    it('goes by name in a shared room', async () => {
      const shared = createWorld(temporaryFolder())
      shared.members = world.members
      await live(shared, { heard: [said(ana, 'w1', 'hello')] }, { hub })
      await live(shared, { posted: [wrote('$a', alice, html('x', `${pill(ben, 'Ben (Messenger)')}: yours`))] }, { hub })
      expect(shared.sent.map((message) => message.text)).to.deep.equal(['Alice (Matrix): Ben: yours'])
      removeFolder(shared.folder)
    })
  })
})
