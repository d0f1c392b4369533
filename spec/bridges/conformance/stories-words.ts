import { expect } from 'chai'
import { answering, arrived, bodyOf, ghostSays, type Story, text } from './story.ts'

/** What is said in words, both ways. */
export const words: readonly Story[] = [
  {
    name: 'a text of the person stands in the room once, by their ghost',
    covers: ['told message'],
    async tell(stage, { told }) {
      await stage.hears({ text: 'wörter 👩‍👩‍👧 <b>&amp;' })
      expect(ghostSays(stage).map(bodyOf)).to.deep.equal(['hello', 'wörter 👩‍👩‍👧 <b>&amp;'])
      expect(ghostSays(stage).map(({ type }) => type)).to.deep.equal(['m.room.message', 'm.room.message'])
      told.set('message', true)
    },
  },
  {
    name: 'a text of the room gets to the person once, and the room is told that it was sent',
    async tell(stage) {
      const event = await stage.says(text('wörter 👩‍👩‍👧 & <b>'))
      expect((await arrived(stage)).map((seen) => seen.text)).to.deep.equal(['wörter 👩‍👩‍👧 & <b>'])
      expect(stage.statesOf(event)[0]).to.be.oneOf(['sent', 'delivered'])
      expect(stage.statusesOf(event)[0]).to.equal('SUCCESS')
    },
  },
  {
    name: 'a long text of the room goes in as many parts as it must, numbered, none too large, and nothing of it is lost',
    async tell(stage) {
      const { limit, unit } = stage.caps.text
      const sign = unit === 'bytes' ? 'ü' : 'x'
      const long = `${sign.repeat(limit)} and ${sign.repeat(limit)} end`
      const event = await stage.says(text(long))
      const parts = (await arrived(stage)).map((seen) => seen.text)
      expect(parts.length).to.be.greaterThan(1)
      const marks = parts.map((part) => /^\(\d+\/\d+\) /.exec(part)?.[0])
      expect(marks).to.deep.equal(parts.map((_, index) => `(${index + 1}/${parts.length}) `))
      expect(parts.map((part) => part.replace(/^\(\d+\/\d+\) /, '')).join('')).to.equal(long)
      expect(stage.statesOf(event)[0]).to.be.oneOf(['sent', 'delivered'])
    },
  },
  {
    name: 'a reply of the person stands on the message that it answers, theirs and ours',
    covers: ['told reply'],
    async tell(stage, { told }) {
      const event = await stage.says(text('which one?'))
      const [ours] = await arrived(stage)
      await stage.hears({ text: 'that one', replyTo: ours!.id })
      const theirs = (await stage.seat.phone.sees()).find(({ mine }) => mine)!
      await stage.hears({ text: 'as I said', replyTo: theirs.id })
      const [hello, one, two] = ghostSays(stage)
      expect(one?.content['m.relates_to']).to.deep.equal({ 'm.in_reply_to': { event_id: event } })
      expect(two?.content['m.relates_to']).to.deep.equal({ 'm.in_reply_to': { event_id: hello?.id } })
      told.set('reply', true)
    },
  },
  {
    name: 'a reply of the room stands on the message that it answers',
    async tell(stage) {
      const [hello] = ghostSays(stage)
      const first = await stage.says({ ...text('hi Ana'), ...answering(hello!.id) })
      await stage.says({ ...text('and again'), ...answering(first) })
      const theirs = (await stage.seat.phone.sees()).find(({ mine }) => mine)!
      const [one, two] = await arrived(stage)
      expect([one?.replyTo, two?.replyTo]).to.deep.equal([theirs.id, one?.id])
    },
  },
  {
    name: 'a reply of the room to what the network does not have brings its words along',
    async tell(stage) {
      const notice = await stage.says({ msgtype: 'm.notice', body: 'closes at six' })
      await stage.says({ ...text('I know'), ...answering(notice) })
      expect((await arrived(stage)).map((seen) => [seen.text, seen.replyTo])).to.deep.equal([['↩ “closes at six”\nI know', undefined]])
    },
  },
  {
    name: 'a mention goes by name, and words that the person marked keep their marks',
    covers: ['out formatting'],
    async tell(stage, { out }) {
      const link = '[Ben](https://matrix.to/#/@ben:hs.test)'
      await stage.says({ ...text(`ask ${link} now`) })
      const pill = '<a href="https://matrix.to/#/@ben:hs.test">Ben</a>'
      const html = { format: 'org.matrix.custom.html', formatted_body: `ask ${pill}: <strong>now</strong>, <em>please</em>` }
      await stage.says({ ...text('ask Ben: now, please'), ...html })
      const [plain, marked] = await arrived(stage)
      expect(plain?.text).to.equal('ask Ben now')
      expect(marked?.text).to.be.oneOf(['ask Ben: *now*, _please_', 'ask Ben: now, please'])
      out.set('formatting', marked?.text.includes('*') ? 'native' : 'none')
      await stage.hears({ text: 'it is *so* ~not~ good' })
      const seen = ghostSays(stage).at(-1)
      expect(bodyOf(seen)).to.equal('it is *so* ~not~ good')
      const formatted = 'it is <strong>so</strong> <del>not</del> good'
      expect(seen?.content['formatted_body']).to.equal(marked?.text.includes('*') ? formatted : undefined)
    },
  },
  {
    name: 'what was forwarded says so in the room',
    covers: ['told forwarded'],
    async tell(stage, { told }) {
      const id = await stage.hears({ text: 'look at this', forwarded: true })
      told.set('forwarded', id !== 'cannot')
      if (id === 'cannot') return
      expect(bodyOf(ghostSays(stage).at(-1))).to.equal('↪ Forwarded:\nlook at this')
    },
  },
  {
    name: 'a message of the room that is not encrypted is carried where the room is not, and refused where it is',
    async tell(stage) {
      stage.world.open.add('!room0')
      await stage.says(text('in the open'))
      expect((await arrived(stage)).map((seen) => seen.text)).to.deep.equal(['in the open'])
      await stage.hears({ text: 'so am I' })
      expect(stage.world.events.at(-1)).to.include({ type: 'm.room.message' })
      const clear = await stage.says(text('in the clear'))
      stage.world.open.delete('!room0')
      await stage.says(text('sealed'))
      expect((await arrived(stage)).map((seen) => seen.text)).to.deep.equal(['in the open', 'in the clear', 'sealed'])
      expect(stage.notices()).to.deep.equal([])
      expect(stage.statusesOf(clear)[0]).to.equal('SUCCESS')
    },
  },
]
