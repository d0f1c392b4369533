import { expect } from 'chai'
import { chooseLateRules } from '../../../bridges/kit/outbound/late-rules.ts'
import { selectLogins } from '../../../bridges/kit/store/logins.store.ts'
import { arrived, bodyOf, ghostSays, type Story, text } from './story.ts'

const hourMs = 3_600_000

/** How far things got, and what goes wrong meanwhile. */
export const states: readonly Story[] = [
  {
    name: 'a message of the room is sent, then delivered, then read, as far as the network tells',
    covers: ['told delivered', 'told read'],
    async tell(stage, { told }) {
      await stage.seat.tell({ held: true })
      const event = await stage.says(text('there?'))
      expect(stage.statesOf(event)).to.deep.equal(['sent'])
      await stage.seat.tell({})
      await stage.settle()
      told.set('delivered', stage.statesOf(event).includes('delivered'))
      const reads = (await stage.seat.phone.reads()) !== 'cannot'
      await stage.settle()
      told.set('read', reads && stage.statesOf(event).includes('read'))
      const expected = [
        'sent',
        ...(stage.caps.tells.has('delivered') ? ['delivered'] : []),
        ...(stage.caps.tells.has('read') ? ['read'] : []),
      ]
      expect(stage.statesOf(event)).to.deep.equal(expected)
      expect(stage.statusesOf(event).every((status) => status === 'SUCCESS')).to.equal(true)
      const receipts = stage.world.receipts.filter((receipt) => receipt.endsWith(event))
      expect(receipts).to.have.length(stage.caps.tells.has('read') ? 1 : 0)
    },
  },
  {
    name: 'reading the newest message counts for all before it',
    async tell(stage) {
      const events = [await stage.says(text('one')), await stage.says(text('two')), await stage.says(text('three'))]
      await stage.seat.phone.reads()
      await stage.settle()
      const last = events.map((event) => stage.statesOf(event).at(-1))
      const furthest = stage.caps.tells.has('read') ? 'read' : stage.caps.tells.has('delivered') ? 'delivered' : 'sent'
      expect(last).to.deep.equal([furthest, furthest, furthest])
    },
  },
  {
    name: 'what is read in the room is read on the phone, where the network has such a thing',
    covers: ['out read'],
    async tell(stage, { out }) {
      await stage.hears({ text: 'are you there?' })
      await stage.reads(ghostSays(stage).at(-1)!.id)
      const seen = (await stage.seat.phone.sees()).filter(({ mine }) => mine).map((one) => one.seen)
      out.set('read', seen.every((one) => one) ? 'native' : 'none')
      expect(new Set(seen).size).to.equal(1)
    },
  },
  {
    name: 'typing in the room is seen on the phone, where the network has such a thing',
    covers: ['out typing'],
    async tell(stage, { out }) {
      await stage.reads(ghostSays(stage).at(-1)!.id)
      await stage.types(true)
      out.set('typing', (await stage.seat.phone.seesTyping()) ? 'native' : 'none')
    },
  },
  {
    name: 'what the network refuses after it had taken it fails in the room, in words',
    covers: ['told failed'],
    async tell(stage, { told }) {
      const known = await stage.seat.mishap('refused later')
      told.set('failed', known)
      if (!known) return
      const event = await stage.says(text('hi'))
      expect(stage.statesOf(event).at(-1)).to.equal('failed')
      expect(stage.statusesOf(event).at(-1)).to.equal('FAIL_PERMANENT')
      expect(stage.notices()).to.have.length(1)
      expect(stage.notices()[0]).to.match(/^Ana: The network cannot reach this person/)
    },
  },
  {
    name: 'before the network stops taking answers the room is told, once, and again after they wrote anew',
    async tell(stage) {
      const { windowMs } = stage.caps
      const almost = (windowMs ?? 24 * hourMs) - hourMs / 2
      await stage.wait(almost)
      await stage.wait(60_000)
      const told =
        windowMs === undefined ? [] : [/ takes answers to Ana for (?:29|30) more minutes; after that, not before they write again\.$/]
      expect(stage.notices()).to.have.length(told.length)
      for (const pattern of told) expect(stage.notices()[0]).to.match(pattern)
      await stage.hears({ text: 'still here' })
      await stage.wait(almost)
      expect(stage.notices()).to.have.length(2 * told.length)
    },
  },
  {
    name: 'what is written after the time in which the network takes answers is kept, said to be so, and goes out in order when they write',
    async tell(stage) {
      const { windowMs } = stage.caps
      await stage.wait((windowMs ?? 48 * hourMs) + hourMs)
      const event = await stage.says(text('still there?'))
      if (windowMs === undefined) {
        expect((await arrived(stage)).map((seen) => seen.text)).to.deep.equal(['still there?'])
        return
      }
      const second = await stage.says(text('never mind'))
      await stage.says(text('or are you?'))
      expect(await arrived(stage)).to.deep.equal([])
      expect(stage.statesOf(event)).to.deep.equal(['queued'])
      expect(stage.statusesOf(event)).to.deep.equal(['PENDING'])
      expect(stage.notices()).to.have.length(3)
      expect(stage.notices()[0]).to.include(
        'This is kept, and goes out by itself when they write again within 3 days. Remove it to withdraw it.',
      )
      await stage.takesBack(second)
      await stage.hears({ text: 'I am' })
      await stage.says(text('good'))
      expect((await arrived(stage)).map((seen) => seen.text)).to.deep.equal(['still there?', 'or are you?', 'good'])
      expect(stage.statesOf(event).at(-1)).to.be.oneOf(['sent', 'delivered'])
    },
  },
  {
    name: 'where humans have longer to answer, and the account may say so, texts and files go out for so long',
    async tell(stage) {
      const { windowMs, agentWindowMs } = stage.caps
      if (windowMs === undefined) return
      const [login] = selectLogins(stage.kit.store)
      chooseLateRules(stage.kit, login!.login, { humanAgent: true })
      await stage.wait(windowMs + hourMs)
      await stage.says(text('still there?'))
      const url = 'mxc://hs.test/offer'
      stage.world.files.set(url, Buffer.from('%PDF-1.4\n%%EOF\n'))
      await stage.says({ msgtype: 'm.file', body: 'offer.pdf', url, info: { mimetype: 'application/pdf' } })
      const seen = (await arrived(stage)).map((one) => one.file?.kind ?? one.text)
      expect(seen).to.deep.equal(agentWindowMs === undefined ? [] : ['still there?', 'file'])
      await stage.wait((agentWindowMs ?? 0) - windowMs)
      await stage.says(text('last call'))
      expect(await arrived(stage)).to.have.length(seen.length)
      expect(stage.notices().at(-1)).to.match(/This is kept/)
    },
  },
  {
    name: 'what is kept for somebody who does not write in time ends in words, and does not go out later',
    async tell(stage) {
      const { windowMs } = stage.caps
      if (windowMs === undefined) return
      await stage.wait(windowMs + hourMs)
      const event = await stage.says(text('still there?'))
      await stage.wait(73 * hourMs)
      expect(stage.statesOf(event)).to.deep.equal(['queued', 'expired'])
      expect(stage.notices().at(-1)).to.match(/^Ana: This was kept for 3 days, and .* took no answer in that time: it was not sent\./)
      await stage.hears({ text: 'I am' })
      expect(await arrived(stage)).to.deep.equal([])
    },
  },
  {
    name: 'while a token is refused sends wait, and go out in order with the next good one',
    async tell(stage) {
      await stage.seat.mishap('token revoked')
      const first = await stage.says(text('one'))
      await stage.says(text('two'))
      expect(await arrived(stage)).to.deep.equal([])
      const [login] = selectLogins(stage.kit.store)
      expect(login?.state).to.equal('bad_credentials')
      expect(stage.statesOf(first)).to.deep.equal([])
      await stage.seat.restoreToken()
      await stage.logsInAgain()
      expect((await arrived(stage)).map((seen) => seen.text)).to.deep.equal(['one', 'two'])
    },
  },
  {
    name: 'when the network asks for slowness, sends wait for as long as it says and no longer, and go out once',
    async tell(stage) {
      await stage.seat.mishap('rate limit')
      await stage.says(text('one'))
      const [login] = selectLogins(stage.kit.store)
      expect(login?.state).to.equal('backing_off')
      const left = (login?.until ?? 0) - stage.kit.clock()
      expect(left).to.equal(stage.seat.slownessMs)
      await stage.says(text('two'))
      await stage.wait(left - 2000)
      expect(await arrived(stage)).to.deep.equal([])
      await stage.wait(2000)
      expect((await arrived(stage)).map((seen) => seen.text)).to.deep.equal(['one', 'two'])
      expect(stage.notices()).to.deep.equal([])
    },
  },
  {
    name: 'when the network has trouble of its own, sends are tried again and arrive once',
    async tell(stage) {
      await stage.seat.mishap('trouble')
      await stage.says(text('patience'))
      await stage.wait(60_000)
      expect((await arrived(stage)).map((seen) => seen.text)).to.deep.equal(['patience'])
    },
  },
  {
    name: 'a send whose answer is lost and that did not happen stays unknown: the room is told, and it is never sent again by itself',
    async tell(stage) {
      await stage.seat.mishap('answer lost, nothing done')
      const event = await stage.says(text('lost'))
      await stage.wait(20_000)
      expect(stage.statesOf(event)).to.deep.equal(['unknown'])
      expect(stage.statusesOf(event)).to.deep.equal(['FAIL_RETRIABLE'])
      expect(stage.notices()[0]).to.match(/^Ana: .*It may have been sent\./)
      await stage.wait(hourMs)
      expect(await arrived(stage)).to.deep.equal([])
    },
  },
  {
    name: 'a send whose answer is lost and that happened is there once, and known when the network tells of it',
    covers: ['told outcome'],
    async tell(stage, { told }) {
      await stage.seat.mishap('answer lost, done all the same')
      const event = await stage.says(text('arrived'))
      await stage.wait(20_000)
      await stage.says(text('and more'))
      expect((await arrived(stage)).map((seen) => seen.text)).to.deep.equal(['arrived', 'and more'])
      told.set('outcome', !stage.statesOf(event).includes('unknown'))
      if (stage.statesOf(event).includes('unknown')) expect(stage.notices()).to.have.length(1)
      else expect(stage.notices()).to.deep.equal([])
    },
  },
  {
    name: 'what the network tells several times is there once',
    async tell(stage) {
      await stage.seat.tell({ copies: 3 })
      const id = await stage.hears({ text: 'once' })
      await stage.seat.phone.edits(id, 'only once')
      await stage.settle()
      const event = await stage.says(text('me too'))
      expect(ghostSays(stage).filter((one) => bodyOf(one) === 'once')).to.have.length(1)
      expect(ghostSays(stage).filter((one) => bodyOf(one) === '* only once').length).to.be.at.most(1)
      expect(new Set(stage.statesOf(event)).size).to.equal(stage.statesOf(event).length)
    },
  },
  {
    name: 'what the network tells in the wrong order comes out right',
    async tell(stage) {
      await stage.seat.tell({ held: true })
      const id = await stage.hears({ text: 'frist' })
      stage.seat.clock.advance(1000)
      await stage.seat.phone.edits(id, 'first')
      const event = await stage.says(text('hi'))
      await stage.seat.phone.reads()
      await stage.seat.tell({ newestFirst: true })
      await stage.settle()
      const written = ghostSays(stage).find((one) => bodyOf(one) === 'frist')
      expect(written).not.to.equal(undefined)
      const correction = ghostSays(stage).find((one) => bodyOf(one) === '* first')
      if (correction) expect(correction.content['m.relates_to']).to.deep.include({ event_id: written?.id })
      const furthest = stage.caps.tells.has('read') ? 'read' : stage.caps.tells.has('delivered') ? 'delivered' : 'sent'
      expect(stage.statesOf(event).at(-1)).to.equal(furthest)
    },
  },
]
