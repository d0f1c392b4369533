import { expect } from 'chai'
import { reactionsIn } from '../kit/story.ts'
import { arrived, bodyOf, ghostSays, type Story, text } from './story.ts'

/** What is about a message, both ways. */
export const about: readonly Story[] = [
  {
    name: 'a reaction of the person is set, replaced and taken back in the room',
    covers: ['told reaction'],
    async tell(stage, { told }) {
      const event = await stage.says(text('good?'))
      const [ours] = await arrived(stage)
      const can = (await stage.seat.phone.reacts(ours!.id, '👍')) !== 'cannot'
      told.set('reaction', can)
      if (!can) return
      await stage.settle()
      expect(reactionsIn(stage.world)).to.deep.equal([`ghost 👍 on ${event}`])
      stage.seat.clock.advance(1000)
      await stage.seat.phone.reacts(ours!.id, '😂')
      await stage.settle()
      expect(reactionsIn(stage.world)).to.deep.equal([`ghost 😂 on ${event}`])
      stage.seat.clock.advance(1000)
      await stage.seat.phone.reacts(ours!.id)
      await stage.settle()
      expect(reactionsIn(stage.world)).to.deep.equal([])
    },
  },
  {
    name: 'a reaction of the room is set, replaced and taken back on the phone, or refused in the state of it',
    covers: ['out reaction'],
    async tell(stage, { out }) {
      const [hello] = ghostSays(stage)
      const onPhone = async () => (await stage.seat.phone.sees()).find(({ mine }) => mine)?.reaction
      const first = await stage.reacts(hello!.id, '👍')
      out.set('reaction', (await onPhone()) === undefined ? 'none' : 'native')
      if ((await onPhone()) === undefined) {
        expect(stage.statusesOf(first)).to.deep.equal(['FAIL_PERMANENT'])
        return
      }
      expect(await onPhone()).to.equal('👍')
      const second = await stage.reacts(hello!.id, '🎉')
      expect(await onPhone()).to.equal('🎉')
      await stage.takesBack(second)
      expect(await onPhone()).to.equal('👍')
      await stage.takesBack(first)
      expect(await onPhone()).to.equal(undefined)
      expect(stage.notices()).to.deep.equal([])
    },
  },
  {
    name: 'what is about a part of a long text is about the whole of it',
    async tell(stage) {
      const event = await stage.says(text(`${'x'.repeat(stage.caps.text.limit)} end`))
      const last = (await arrived(stage)).at(-1)
      await stage.hears({ text: 'I see', replyTo: last?.id ?? '' })
      expect(ghostSays(stage).at(-1)?.content['m.relates_to']).to.deep.equal({ 'm.in_reply_to': { event_id: event } })
      if ((await stage.seat.phone.reacts(last?.id ?? '', '👍')) !== 'cannot') {
        await stage.settle()
        expect(reactionsIn(stage.world)).to.deep.equal([`ghost 👍 on ${event}`])
      }
      await stage.takesBack(event)
      const seen = await arrived(stage)
      if (stage.caps.out.withdrawal === 'native') expect(seen.map(({ deleted }) => deleted)).to.deep.equal([true, true])
      else expect(seen.map((one) => one.text).filter((words) => words.includes('taken back'))).to.have.length(1)
    },
  },
  {
    name: 'a correction of the person changes their message in the room',
    covers: ['told edit'],
    async tell(stage, { told }) {
      const id = await stage.hears({ text: 'at tne' })
      const can = (await stage.seat.phone.edits(id, 'at ten')) !== 'cannot'
      told.set('edit', can)
      if (!can) return
      await stage.settle()
      const [, wrong, correction] = ghostSays(stage)
      expect(correction?.content['m.relates_to']).to.deep.equal({ rel_type: 'm.replace', event_id: wrong?.id })
      expect(correction?.content['m.new_content']).to.deep.include({ body: 'at ten' })
    },
  },
  {
    name: 'a correction of the room changes the message on the phone, or is told in words on it',
    covers: ['out correction'],
    async tell(stage, { out }) {
      const event = await stage.says(text('at tne'))
      await stage.edits(event, 'at ten')
      const [first, second] = await arrived(stage)
      out.set('correction', second ? 'words' : 'native')
      if (second) expect([first?.text, second.text, second.replyTo]).to.deep.equal(['at tne', '✏️ Corrected: at ten', first?.id])
      else expect([first?.text, first?.edited]).to.deep.equal(['at ten', true])
    },
  },
  {
    name: 'what the person takes back is gone from the room, where the network tells of it',
    covers: ['told deleted'],
    async tell(stage, { told }) {
      const id = await stage.hears({ text: 'oops' })
      await stage.seat.phone.unsends(id)
      await stage.settle()
      const left = ghostSays(stage).map(bodyOf)
      expect(left).to.satisfy((lines: string[]) => ['hello', 'hello oops'].includes(lines.join(' ')))
      told.set('deleted', left.length === 1)
    },
  },
  {
    name: 'what the room takes back is gone from the phone, or its withdrawal is told in words on it',
    covers: ['out withdrawal'],
    async tell(stage, { out }) {
      const event = await stage.says(text('oops'))
      await stage.takesBack(event)
      await stage.takesBack(event)
      const [first, second, more] = await arrived(stage)
      expect(more).to.equal(undefined)
      out.set('withdrawal', second ? 'words' : 'native')
      if (second) expect([second.text, second.replyTo]).to.deep.equal(['🗑 This message was taken back.', first?.id])
      else expect(first?.deleted).to.equal(true)
      expect(stage.notices()).to.deep.equal([])
    },
  },
]
