import { expect } from 'chai'
import type { Stage } from './stage.ts'
import { answering, arrived, type Story, text } from './story.ts'

const hourMs = 3_600_000
const hint = /\nTo send it once more, react to this with 🔁 or answer it with `!tombolo send again`\.$/

const onPhone = async (stage: Stage) => (await arrived(stage)).map((seen) => seen.text)
/** The bot's notice about an event. */
function noticeOf(stage: Stage, event: string): string {
  const about = stage.stands().filter(({ by, content }) => {
    const relation = content['m.relates_to'] as { 'm.in_reply_to'?: { event_id?: unknown } } | undefined
    return by === 'bot' && relation?.['m.in_reply_to']?.event_id === event
  })
  return about.at(-1)?.id ?? 'none'
}

/** What people say to the bot in the room of a chat. */
export const commands: readonly Story[] = [
  {
    name: 'what may not have arrived is sent again when it is answered with the command, and said to be, and the command stays in the room',
    async tell(stage) {
      await stage.seat.mishap('answer lost, nothing done')
      const event = await stage.says(text('lost'))
      await stage.wait(20_000)
      expect(stage.notices()[0]).to.match(hint)
      await stage.says({ ...text('!tombolo send again'), ...answering(event) })
      expect(await onPhone(stage)).to.deep.equal(['lost'])
      expect(stage.notices().at(-1)).to.equal('It is sent again to Ana. If it had arrived after all, it is there twice.')
      expect(stage.statesOf(event).at(-1)).to.be.oneOf(['sent', 'delivered'])
      await stage.says({ ...text('!tombolo send again'), ...answering(event) })
      expect(stage.notices().at(-1)).to.equal('It was sent: it is not sent again.')
      expect(await onPhone(stage)).to.deep.equal(['lost'])
    },
  },
  {
    name: 'what may not have arrived is sent again when the notice of it is answered, or marked with 🔁',
    async tell(stage) {
      for (const way of ['answer', 'sign'] as const) {
        await stage.seat.mishap('answer lost, nothing done')
        const event = await stage.says(text(way))
        await stage.wait(20_000)
        const notice = noticeOf(stage, event)
        if (way === 'answer') await stage.says({ ...text('!tombolo send again'), ...answering(notice) })
        else await stage.reacts(notice, '🔁')
      }
      expect(await onPhone(stage)).to.deep.equal(['answer', 'sign'])
    },
  },
  {
    name: 'what did arrive, as the network tells meanwhile, is not sent again',
    async tell(stage) {
      await stage.seat.tell({ held: true })
      await stage.seat.mishap('answer lost, done all the same')
      const event = await stage.says(text('arrived'))
      await stage.wait(20_000)
      expect(stage.statesOf(event)).to.deep.equal(['unknown'])
      const notice = noticeOf(stage, event)
      await stage.seat.tell({})
      await stage.settle()
      const isKnown = stage.statesOf(event).at(-1) !== 'unknown'
      if (!isKnown) return
      await stage.reacts(notice, '🔁')
      expect(await onPhone(stage)).to.deep.equal(['arrived'])
      expect(stage.notices().at(-1)).to.equal('It was sent: it is not sent again.')
    },
  },
  {
    name: 'a template gets to somebody to whom nothing else may be written, and what was kept goes out when they answer it',
    covers: ['out template'],
    async tell(stage, { out }) {
      await stage.wait((stage.caps.windowMs ?? 48 * hourMs) + hourMs)
      await stage.says(text('your bike is ready'))
      await stage.says(text('!tombolo templates'))
      const [session] = stage.kit.sessions.values()
      out.set('template', session?.sendTemplate ? 'native' : 'none')
      if (!session?.sendTemplate) {
        expect(stage.notices().at(-1)).to.match(/ has no templates: wait until they write again\.$/)
        return
      }
      expect(stage.notices()[0]).to.include('`!tombolo templates` shows what may be sent before that.')
      const listed = stage.notices().at(-1) ?? ''
      expect(listed).to.include('• `order_update` (en): Hi {{1}}, your order {{2}} is ready.')
      expect(listed).not.to.match(/summer_sale|offer_with_picture/)
      await stage.says(text('!tombolo template order_update'))
      expect(stage.notices().at(-1)).to.match(/`order_update` wants 2 values/)
      await stage.says(text('!tombolo template no_such'))
      expect(stage.notices().at(-1)).to.match(/no template “no_such”[\s\S]*• `tour_day\/de`/)
      const event = await stage.says(text('!tombolo template order_update\nAna\n  number \t 7'))
      expect(await onPhone(stage)).to.deep.equal(['Hi Ana, your order number 7 is ready.'])
      expect(stage.notices()).to.include.members([
        '“Hi Ana, your order number 7 is ready.” goes to Ana. When they answer, you can write to them again, and what was kept goes out.',
      ])
      expect(stage.statesOf(event)[0]).to.be.oneOf(['sent', 'delivered'])
      await stage.hears({ text: 'on my way' })
      expect((await onPhone(stage)).at(-1)).to.equal('your bike is ready')
    },
  },
  {
    name: 'what begins like a command and is none is answered with help, and carried nowhere',
    async tell(stage) {
      await stage.says(text('!tombolo dance'))
      expect(stage.notices()[0]).to.match(/^I do not know “dance” here\.\nIn the room of a chat I understand:/)
      await stage.says(text('!TOMBOLO'))
      expect(stage.notices()[1]).to.match(/^In the room of a chat I understand:/)
      await stage.says(text('!tombolonia is a place'))
      expect(await onPhone(stage)).to.deep.equal(['!tombolonia is a place'])
    },
  },
]
