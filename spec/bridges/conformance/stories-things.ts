import { expect } from 'chai'
import { arrived, bodyOf, ghostSays, type Story } from './story.ts'

const place = { latitude: 52.5163, longitude: 13.3777, name: 'The gate', address: 'Pariser Platz' }
const card = { name: 'Ben Berg', phones: [{ number: '+15550001' }], emails: [] }
const vcard = ['BEGIN:VCARD', 'VERSION:3.0', 'N:Berg;Ben;;;', 'FN:Ben Berg', 'TEL;TYPE=CELL:+15550001', 'END:VCARD', ''].join('\r\n')

/** Places, cards, links and what nobody can carry. */
export const things: readonly Story[] = [
  {
    name: 'a place of the person is a place in the room, with its name',
    covers: ['told location'],
    async tell(stage, { told }) {
      const id = await stage.hears({ place })
      const event = ghostSays(stage).at(-1)
      const isPlace = id !== 'cannot' && event?.content['msgtype'] === 'm.location'
      told.set('location', isPlace)
      if (isPlace) expect(event?.content['geo_uri']).to.equal('geo:52.5163,13.3777')
    },
  },
  {
    name: 'a place of the room is a place on the phone, or its name and coordinates in words',
    covers: ['out place'],
    async tell(stage, { out }) {
      await stage.says({ msgtype: 'm.location', body: 'The gate', geo_uri: 'geo:52.5163,13.3777;u=35' })
      const [seen, more] = await arrived(stage)
      expect(more).to.equal(undefined)
      out.set('place', seen?.place ? 'native' : 'words')
      if (seen?.place) expect(seen.place).to.deep.include({ latitude: 52.5163, longitude: 13.3777, name: 'The gate' })
      else expect(seen?.text).to.equal('📍 The gate\n52.5163,13.3777')
    },
  },
  {
    name: 'contact cards of the person are readable in the room',
    covers: ['told contacts'],
    async tell(stage, { told }) {
      const id = await stage.hears({ card })
      told.set('contacts', id !== 'cannot')
      if (id !== 'cannot') expect(bodyOf(ghostSays(stage).at(-1))).to.equal('👤 Ben Berg\n+15550001')
    },
  },
  {
    name: 'a vCard of the room is a contact on the phone, or is told in words; what is said with it goes before it',
    covers: ['out contacts'],
    async tell(stage, { out }) {
      stage.world.files.set('mxc://hs.test/card', Buffer.from(vcard))
      const file = { url: 'mxc://hs.test/card', info: { mimetype: 'text/vcard' } }
      await stage.says({ msgtype: 'm.file', body: 'call him', filename: 'ben.vcf', ...file })
      const [lead, seen, more] = await arrived(stage)
      expect(more).to.equal(undefined)
      expect(lead?.text).to.equal('call him')
      out.set('contacts', seen?.cards ? 'native' : 'words')
      if (seen?.cards) expect(seen.cards).to.deep.equal(['Ben Berg'])
      else expect(seen?.text).to.equal('👤 Ben Berg\n+15550001')
    },
  },
  {
    name: 'something of the network that the person shares is a link in the room',
    covers: ['told share'],
    async tell(stage, { told }) {
      const share = { url: 'https://example.org/post', title: 'A bike' }
      const id = await stage.hears({ share })
      told.set('share', id !== 'cannot')
      if (id !== 'cannot') expect(bodyOf(ghostSays(stage).at(-1))).to.equal('A bike\nhttps://example.org/post')
    },
  },
  {
    name: 'a link of the room gets there as it was written',
    async tell(stage) {
      await stage.says({ msgtype: 'm.text', body: 'see https://example.org/a_b_c?d=*e*' })
      expect((await arrived(stage)).map((seen) => seen.text)).to.deep.equal(['see https://example.org/a_b_c?d=*e*'])
    },
  },
  {
    name: 'what no bridge can carry is named in the room, with what to do',
    covers: ['told unsupported'],
    async tell(stage, { told }) {
      await stage.hears({ oddity: true })
      const event = ghostSays(stage).at(-1)
      expect(event?.content['msgtype']).to.equal('m.notice')
      expect(bodyOf(event)).to.match(/^Sent something that is not carried yet \(.+\)/)
      told.set('unsupported', true)
    },
  },
  {
    name: 'what the room says in a way that is not carried is refused in words that say what to do',
    async tell(stage) {
      const event = await stage.says({ msgtype: 'org.example.game', body: 'a move' })
      expect(await arrived(stage)).to.deep.equal([])
      expect(stage.statusesOf(event)).to.deep.equal(['FAIL_PERMANENT'])
      expect(stage.notices()[0]).to.include('Say it in words')
    },
  },
  {
    name: 'a person who is known under new ids goes on in the same room, as the same ghost',
    covers: ['told identity'],
    async tell(stage, { told }) {
      const can = (await stage.seat.phone.becomesAnother()) !== 'cannot'
      told.set('identity', can)
      if (!can) return
      await stage.settle()
      await stage.hears({ text: 'new number, same me' })
      expect(stage.world.rooms.size).to.equal(1)
      expect(new Set(stage.world.events.filter(({ sender }) => !sender.includes('_bot:')).map(({ sender }) => sender)).size).to.equal(1)
    },
  },
]
