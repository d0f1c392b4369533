import { expect } from 'chai'
import type { EventId, RoomId } from '../../../server/core/ids.ts'
import type { Json, JsonObject } from '../../../server/core/json.ts'
import { listEndpoints } from '../../../server/homeserver.ts'
import { forEachScene, isWhole } from '../../support/peers/asked-by-peers.ts'
import { joinAsPeer } from '../../support/peers/peer-room.ts'
import type { Answered } from '../../support/server.ts'

const reads = listEndpoints().filter(({ method, path }) => path.startsWith('/_matrix/federation/') && method !== 'PUT')

/** S-17. A server that is in one room asks for another one in every way that there is to ask. */
forEachScene('Rooms that another server is not in (S-17)', (scene) => {
  let transactions = 0
  const ask = (method: string, uri: string, content?: JsonObject) => scene.near.ask(scene.server, method, uri, content)
  const send = (...pdus: unknown[]) =>
    ask('PUT', `/_matrix/federation/v1/send/${transactions++}`, {
      origin: scene.near.serverName,
      origin_server_ts: 1,
      pdus: pdus as Json[],
    })

  /** Asks every reading endpoint, with every pair of a room and an event, and lists in which they are mixed. */
  async function askEverything(rooms: readonly RoomId[], events: readonly EventId[]): Promise<Answered[]> {
    const answers: Answered[] = []
    const ids = events.map(encodeURIComponent)
    for (const { method, path } of reads) {
      for (const roomId of rooms) {
        for (const eventId of path.includes('{eventId}') ? events : [events[0] as EventId]) {
          const at = path
            .replace('{roomId}', encodeURIComponent(roomId))
            .replace('{eventId}', encodeURIComponent(eventId))
            .replace('{userId}', encodeURIComponent(scene.alice.userId))
            .replace(/\{\w+\}/g, 'x')
          const lists = [ids.join('&v='), ids.toReversed().join('&v='), ids[0]]
          for (const list of method === 'GET' && path.includes('backfill') ? lists : ['']) {
            for (const one of path.includes('state') ? ids : [ids[0]]) {
              const query = method === 'GET' ? `?v=${list}&event_id=${one}&limit=100&ts=0&dir=f&min_depth=0` : ''
              answers.push(
                await ask(
                  method,
                  at + query,
                  method === 'GET' ? undefined : { earliest_events: [], latest_events: [...events], limit: 20, min_depth: 0, filter: {} },
                ),
              )
            }
          }
          if (method === 'POST') {
            answers.push(await ask(method, at, { earliest_events: [...events], latest_events: [...events].toReversed(), limit: 20 }))
          }
        }
      }
    }
    return answers
  }

  it('show nothing of themselves, whatever is mixed into the question', async () => {
    const mine = await scene.makeRoom()
    const member = await joinAsPeer(scene.near, scene.server, mine, 'bob')
    const own = await scene.say(mine, 'mine')
    const secret: RoomId = (await scene.alice.post('/createRoom', { preset: 'private_chat', name: 'canary', topic: 'canary' })).body.room_id
    const past = await scene.makeRoom('joined')
    const left = await joinAsPeer(scene.near, scene.server, past, 'bob')
    const leave = await left.event({ type: 'm.room.member', state_key: left.userId, content: { membership: 'leave' } })
    expect((await send(leave.pdu)).body.pdus[leave.eventId]).to.deep.equal({})
    await scene.set(past, 'm.room.join_rules', { join_rule: 'invite' })
    const hidden = [
      await scene.say(secret, 'canary'),
      await scene.set(secret, 'm.room.topic', { topic: 'canary' }),
      await scene.say(past, 'canary'),
    ]
    hidden.push(await scene.set(past, 'm.room.topic', { topic: 'canary' }), await scene.standing(secret, 'm.room.create'))
    // What is in the room that it is in, and cites the other one: dropped or rejected, and of no use.
    const [levels] = [await scene.standing(mine, 'm.room.power_levels')]
    const crossing = [
      await member.event({ type: 'm.room.message', content: {} }, [hidden[0] as EventId]),
      await member.event({ type: 'm.room.message', content: {} }, [own, hidden[1] as EventId]),
      await member.event({ type: 'm.room.message', content: {}, auth_events: [levels, member.joinId, hidden[1] as EventId] }),
      await member.event({ type: 'm.room.topic', state_key: '', content: { topic: 'x' } }, [hidden[1] as EventId]),
      await member.event({ type: 'm.room.redaction', content: { redacts: hidden[0] as EventId } }),
      await member.event({
        type: 'm.room.message',
        content: { body: 'x', 'm.relates_to': { rel_type: 'm.thread', event_id: hidden[0] as EventId } },
      }),
      await member.event({
        type: 'm.reaction',
        content: { 'm.relates_to': { rel_type: 'm.annotation', event_id: hidden[0] as EventId, key: 'x' } },
      }),
    ]
    await send(...crossing.map(({ pdu }) => pdu))
    const answers = await askEverything([mine, secret, past], [...hidden, own, ...crossing.map(({ eventId }) => eventId)])
    expect(answers.length).to.be.greaterThan(100)
    for (const { status, text } of answers) {
      expect(status, text.slice(0, 200)).to.be.oneOf([200, 400, 401, 403, 404])
      expect(text).to.not.include('canary')
    }
    expect(answers.filter(({ status }) => status === 200).length).to.be.greaterThan(5)
    const untouched = (await scene.alice.get(`/rooms/${secret}/event/${encodeURIComponent(hidden[0] as string)}`)).body
    expect([untouched.content.body, untouched.unsigned?.['m.relations']]).to.deep.equal(['canary', undefined])
    const related = await scene.alice.get(`/_matrix/client/v1/rooms/${secret}/relations/${encodeURIComponent(hidden[0] as string)}`)
    expect(related.body.chunk).to.deep.equal([])
  })

  it('and rooms that it is in show no more of what was redacted than is left of it', async () => {
    const mine = await scene.makeRoom()
    const member = await joinAsPeer(scene.near, scene.server, mine, 'bob')
    const said = await scene.say(mine, 'canary')
    const topic = await scene.set(mine, 'm.room.topic', { topic: 'canary' })
    const theirs = await member.message('canary')
    await send(theirs.pdu)
    for (const eventId of [said, topic, theirs.eventId]) {
      expect((await scene.alice.put(`/rooms/${mine}/redact/${encodeURIComponent(eventId)}/x${transactions++}`, {})).status).to.equal(200)
    }
    const last = await scene.say(mine, 'last')
    const answers = await askEverything([mine], [said, topic, theirs.eventId, last, member.joinId])
    for (const { text } of answers) expect(text).to.not.include('canary')
    const page = await ask('GET', `/_matrix/federation/v1/backfill/${mine}?limit=100&v=${encodeURIComponent(last)}`)
    expect(page.body.pdus.filter((pdu: never) => !isWhole(pdu))).to.have.length(3)
  })
})
