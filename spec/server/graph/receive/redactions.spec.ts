import { expect } from 'chai'
import type { EventId } from '../../../../server/core/ids.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import type { Pdu } from '../../../../server/core/pdu.ts'
import { roomRules } from '../../../../server/core/room-versions.ts'
import type { Template } from '../../../../server/graph/graph.ts'
import { idOf } from '../../../../server/graph/receive/check-incoming.ts'
import { insertMissing, selectWaitingRedactions } from '../../../../server/graph/receive/stored.store.ts'
import { write } from '../../../../server/storage/database.ts'
import { type Body, engines } from '../../../support/server.ts'
import { answers, craft, type Side, startTwoServersOn, type TwoServers } from './two-servers.ts'

const version = '11'
const idOfPdu = (pdu: JsonObject): EventId => idOf(pdu as unknown as Pdu, roomRules(version)!) as EventId

for (const engine of engines) {
  describe(`redactions of events that are not here, on ${engine}`, () => {
    let town: TwoServers
    before(async function () {
      const started = await startTwoServersOn(engine, version, { bob: 0 })
      if (started === undefined) return this.skip()
      town = started
    })
    after(() => town?.close())

    const message = (body: string, by = town.alice): Template => ({
      type: 'm.room.message',
      sender: by.user.userId,
      content: { msgtype: 'm.text', body, 'm.mentions': { user_ids: [town.bob.user.userId] } },
    })
    const redacting = (eventId: string, by = town.alice): Template => ({
      type: 'm.room.redaction',
      sender: by.user.userId,
      content: { redacts: eventId },
    })
    const extremities = async ({ server }: Side) => [...((await server.server.graph.room(town.room))?.extremities ?? [])]
    /** Right on top of what the other server has, so that it asks for nothing. */
    const onTop = async (template: Template, from = town.alice) =>
      craft(from, town.room, template, { prev_events: await extremities(from === town.alice ? town.bob : town.alice) })
    const receive = async (from: Side, ...pdus: JsonObject[]) => {
      const to = from === town.alice ? town.bob : town.alice
      return [...(await to.server.server.graph.receive(from.name, town.room, pdus)).values()]
    }
    const sinceNow = async ({ user }: Side) => (await user.get('/sync')).body.next_batch as string
    const told = async ({ user }: Side, since: string): Promise<Body[]> =>
      (await user.get(`/sync?since=${since}`)).body.rooms?.join?.[town.room]?.timeline.events ?? []
    const paged = async ({ user }: Side): Promise<Body[]> => (await user.get(`/rooms/${town.room}/messages?dir=b&limit=100`)).body.chunk
    const statusOf = async ({ user }: Side, eventId: string) => (await user.get(`/rooms/${town.room}/event/${eventId}`)).status
    const unread = async ({ user }: Side) => (await user.get('/sync')).body.rooms.join[town.room].unread_notifications

    it('are told to nobody until these come, which come redacted', async () => {
      const { bob } = town
      const said = await onTop(message('said'))
      const redaction = await onTop(redacting(idOfPdu(said)))
      const [target, by] = [idOfPdu(said), idOfPdu(redaction)]
      const since = await sinceNow(bob)
      const before = await unread(bob)
      await receive(town.alice, redaction)
      expect(await told(bob, since)).to.deep.equal([])
      expect((await paged(bob)).map(({ event_id }) => event_id)).to.not.include(by)
      expect(await statusOf(bob, by)).to.equal(404)
      await receive(town.alice, said)
      const [event, ...others] = await told(bob, since)
      expect(others).to.deep.equal([])
      expect([event.event_id, event.content, event.unsigned.redacted_because.event_id]).to.deep.equal([target, {}, by])
      expect(await unread(bob)).to.deep.equal(before)
      const page = await paged(bob)
      expect(page.find(({ event_id }) => event_id === target).content).to.deep.equal({})
      expect(page.map(({ event_id }) => event_id)).to.include(by)
      expect(await statusOf(bob, by)).to.equal(200)
    })

    it('redact what comes right behind them', async () => {
      const { bob } = town
      const said = await onTop(message('said'))
      const redaction = await onTop(redacting(idOfPdu(said)))
      const since = await sinceNow(bob)
      await receive(town.alice, redaction, said)
      expect((await told(bob, since)).map(({ event_id, content }) => [event_id, content])).to.deep.equal([[idOfPdu(said), {}]])
    })

    it('leave the room without a fork where others build on them', async () => {
      const { alice, bob, room } = town
      const redaction = await onTop(redacting('$nowhere'))
      const another = await craft(alice, room, redacting('$elsewhere'), { prev_events: [idOfPdu(redaction)] })
      const next = await craft(alice, room, message('next'), { prev_events: [idOfPdu(another)], depth: Number(redaction['depth']) + 2 })
      await receive(alice, redaction, another)
      expect(await receive(alice, next)).to.deep.equal(['accepted'])
      expect(await extremities(bob)).to.deep.equal([idOfPdu(next)])
    })

    it('leave the room without a fork where what they redact has come as history before others build on them', async () => {
      const { alice, bob, room } = town
      const said = await onTop(message('said'))
      const redaction = await onTop(redacting(idOfPdu(said)))
      const next = await craft(alice, room, message('next'), {
        prev_events: [idOfPdu(redaction)],
        depth: Number(redaction['depth']) + 1,
      })
      await receive(alice, redaction)
      const { database } = bob.server.server.home
      await database.commit({ writes: [write(insertMissing, room, idOfPdu(said), Number(redaction['depth']))] })
      const end = answers(bob, '/backfill/', { pdus: [said] })
      await paged(bob).finally(end)
      expect(await statusOf(bob, idOfPdu(redaction))).to.equal(200)
      expect(await receive(alice, next)).to.deep.equal(['accepted'])
      expect(await extremities(bob)).to.deep.equal([idOfPdu(next)])
    })

    it('leave what is missing below them to be asked for, and told of as missing with what builds on them', async () => {
      const { alice, bob, room } = town
      const missed = await town.say(alice, 'missed')
      const redaction = await craft(alice, room, redacting('$never'), { prev_events: [missed as EventId] })
      const depth = Number(redaction['depth']) + 1
      const next = await craft(alice, room, message('next'), { prev_events: [idOfPdu(redaction)], depth })
      const since = await sinceNow(bob)
      const end = answers(bob, '/get_missing_events/', { events: [] })
      try {
        await receive(alice, redaction)
        expect(await receive(alice, next)).to.deep.equal(['accepted'])
      } finally {
        end()
      }
      const { timeline } = (await bob.user.get(`/sync?since=${since}`)).body.rooms.join[room]
      expect([timeline.limited, timeline.events.map(({ event_id }: Body) => event_id)]).to.deep.equal([true, [idOfPdu(next)]])
      expect((await paged(bob)).map(({ event_id }) => event_id)).to.include(missed)
    })

    it('are no reason to take an invitation of somebody who is in the room for one that comes ahead of their leave', async () => {
      const { alice, bob, room } = town
      const redaction = await onTop(redacting('$never'))
      await receive(alice, redaction)
      const invitation = await craft(alice, room, message('none'), {
        type: 'm.room.member',
        state_key: bob.user.userId,
        content: { membership: 'invite' },
        prev_events: [idOfPdu(redaction)],
      })
      const answer = await alice.server.server.home.peers.fetchJson({
        destination: bob.name,
        method: 'PUT',
        uri: `/_matrix/federation/v2/invite/${encodeURIComponent(room)}/${encodeURIComponent(idOfPdu(invitation))}`,
        content: { room_version: version, event: invitation, invite_room_state: [] },
      })
      expect(answer.ok && answer.status).to.equal(403)
    })

    it('redact what comes as part of a state alone', async () => {
      const { alice, bob, room } = town
      const topic = await town.setState(alice, 'm.room.topic', '', { topic: 'canary' })
      await receive(alice, await onTop(redacting(topic)))
      const next = await town.say(alice, 'next')
      const end = answers(bob, '/get_missing_events/', { events: [] })
      const results = await town.carry(alice, next).finally(end)
      expect([...results.values()]).to.deep.equal(['accepted'])
      const { status, body } = await bob.user.get(`/rooms/${room}/state/m.room.topic/?format=event`)
      expect([status, body.event_id, body.content]).to.deep.equal([200, topic, {}])
    })

    it('wait once for each of their senders, however many there are, and redact what comes', async () => {
      const { alice, bob } = town
      const said = await onTop(message('said'))
      const redactions = []
      for (let at = 0; at < 5; at++) redactions.push(await craft(alice, town.room, redacting(idOfPdu(said)), { origin_server_ts: at }))
      await receive(alice, ...redactions)
      const target = [town.room, idOfPdu(said)] as const
      expect(await bob.server.server.home.database.select(selectWaitingRedactions, ...target, ...target)).to.have.length(1)
      await receive(alice, said)
      expect((await bob.user.get(`/rooms/${town.room}/event/${idOfPdu(said)}`)).body.content).to.deep.equal({})
    })

    it('are told to nobody ever where their sender may not redact what comes, which stays as it is', async () => {
      const { alice, bob } = town
      const said = await craft(alice, town.room, message('stays'))
      const redaction = await onTop(redacting(idOfPdu(said), bob), bob)
      const since = await sinceNow(alice)
      await receive(bob, redaction)
      await receive(bob, said)
      expect((await told(alice, since)).map(({ event_id, content }) => [event_id, content.body])).to.deep.equal([[idOfPdu(said), 'stays']])
      expect(await statusOf(alice, idOfPdu(redaction))).to.equal(404)
    })

    it('are told of in history once these have come as well, if they could redact them', async () => {
      const { alice, bob, room } = town
      const whole = await craft(alice, room, message('whole'))
      const taken = await onTop(message('taken', bob), bob)
      const [invalid, valid] = [await onTop(redacting(idOfPdu(whole), bob), bob), await onTop(redacting(idOfPdu(taken), bob), bob)]
      const pdus = [invalid, valid]
      const last = await craft(bob, room, message('last', bob), { prev_events: pdus.map(idOfPdu), depth: Number(valid['depth']) + 1 })
      const ids = (await alice.user.get(`/rooms/${room}/state`)).body.map(({ event_id }: Body) => event_id)
      const ends = [
        answers(alice, '/get_missing_events/', { events: [] }),
        answers(alice, '/backfill/', { pdus }),
        answers(alice, '/state_ids/', { pdu_ids: ids, auth_chain_ids: ids }),
        ...pdus.map((pdu) => answers(alice, `/event/${encodeURIComponent(idOfPdu(pdu))}`, { pdus: [pdu] })),
      ]
      const told = async () => (await paged(alice)).map(({ event_id }) => event_id)
      try {
        expect(await receive(bob, last)).to.deep.equal(['accepted'])
        const before = await told()
        expect(before).to.include(idOfPdu(last))
        expect(before).to.not.include(idOfPdu(invalid))
        expect(before).to.not.include(idOfPdu(valid))
        const { graph } = alice.server.server
        expect(await graph.forServers.backfill(room, bob.name, pdus.map(idOfPdu), 2)).to.have.length(2)
      } finally {
        for (const end of ends.toReversed()) end()
      }
      await receive(bob, whole, taken)
      const page = await paged(alice)
      const contentOf = (pdu: JsonObject) => page.find(({ event_id }) => event_id === idOfPdu(pdu)).content
      expect([contentOf(whole).body, contentOf(taken)]).to.deep.equal(['whole', {}])
      expect(await told()).to.include(idOfPdu(valid))
      expect(await told()).to.not.include(idOfPdu(invalid))
    })

    it('take a state from before this server was in the room out of what still is so', async () => {
      const { alice, bob } = town
      const made = (await alice.user.post('/createRoom', { preset: 'public_chat', room_version: version, topic: 'canary' })).body.room_id
      const { body: topic } = await alice.user.get(`/rooms/${made}/state/m.room.topic/?format=event`)
      await bob.user.post(`/join/${made}?via=${alice.name}`, {})
      const redaction = (await alice.user.put(`/rooms/${made}/redact/${topic.event_id}/1`, {})).body.event_id
      const pdu = (await alice.server.server.graph.event(redaction))?.pdu as unknown as JsonObject
      const since = await sinceNow(bob)
      await bob.server.server.graph.receive(alice.name, made, [pdu])
      const { rooms } = (await bob.user.get(`/sync?since=${since}`)).body
      expect(rooms.join[made].timeline.events.map(({ event_id }: Body) => event_id)).to.deep.equal([redaction])
      expect((await bob.user.get(`/rooms/${made}/state/m.room.topic/`)).body).to.deep.equal({})
      // Also where it then comes out of history.
      await bob.user.get(`/rooms/${made}/messages?dir=b&limit=100`)
      expect((await bob.user.get(`/rooms/${made}/event/${topic.event_id}`)).body.content).to.deep.equal({})
      expect((await bob.user.get(`/rooms/${made}/state/m.room.topic/`)).body).to.deep.equal({})
    })

    it('are refused to users of this server without the power for them', async () => {
      const { alice, bob, room } = town
      expect((await bob.user.put(`/rooms/${room}/redact/$nowhere/1`, {})).status).to.equal(403)
      expect((await alice.user.put(`/rooms/${room}/redact/$nowhere/1`, {})).status).to.equal(200)
    })
  })
}
