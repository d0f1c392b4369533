import { canonicalJson } from '../../../server/core/canonical-json.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { notInBoth } from '../../support/apart/agreement.ts'
import type { Place, Site, Sites } from '../../support/apart/sites.ts'
import type { Person, Room, Scene } from '../../support/apart/story.ts'
import type { Hopper } from '../../support/cluster.ts'
import { ask } from '../../support/peer.ts'
import type { Body, TestServer } from '../../support/server.ts'

type Asker = (uri: string) => Promise<{ readonly status: number; readonly body: Body }>

/** Asks a place as another server in the room would: each is asked in the name of one of ours that it is not. */
function asker({ sites }: Sites, place: Place): Asker {
  const { serverName, signingKey } = sites.find((site) => site.serverName !== place.serverName) as Site
  return (uri) => {
    const to = { url: place.federationUrl(), server: { home: { serverName: place.serverName } } } as unknown as TestServer
    return ask({ serverName, signingKey: signingKey() }, to, { method: 'GET', uri, content: undefined })
  }
}

/** What a redaction leaves, of all versions, but the content. */
const signedFields = 'type sender room_id state_key prev_events auth_events depth hashes signatures origin_server_ts'.split(' ')

function pick(pdu: JsonObject, fields: readonly string[]): JsonObject {
  return Object.fromEntries(fields.flatMap((field) => (pdu[field] === undefined ? [] : [[field, pdu[field]]])))
}

function partition<T>(all: readonly T[], is: (one: T) => boolean): [T[], T[]] {
  return [all.filter(is), all.filter((one) => !is(one))]
}

/** Looks whether all places tell other servers, and clients, the same states at the same events of a room, and the same that authorised them. */
export async function lookAtStates(
  { world, watchers }: Scene,
  { roomId, version }: Room,
  eventIds: readonly string[],
  found: string[],
): Promise<void> {
  const asking = world.places.map((place) => asker(world, place))
  const events = new Map(world.places.flatMap((place) => place.stored(roomId).events.map((event) => [event.event_id, event])))
  const room = encodeURIComponent(roomId)
  const keyOf = (eventId: string) => JSON.stringify([events.get(eventId)?.type, events.get(eventId)?.state_key])

  async function tell(get: Asker, hopper: Hopper, eventId: string) {
    const event = encodeURIComponent(eventId)
    const ids = await get(`/_matrix/federation/v1/state_ids/${room}?event_id=${event}`)
    const chain = await get(`/_matrix/federation/v1/event_auth/${room}/${event}`)
    const pdu = (await get(`/_matrix/federation/v1/event/${event}`)).body.pdus?.[0]
    const around = await hopper.insist(0, 'GET', `/rooms/${room}/context/${event}?limit=0`)
    // Of history Synapse does not know what a state event replaced, and leaves that place of the state before it empty.
    const [replaced, before] = partition(ids.body.pdu_ids ?? [], (one: string) => keyOf(one) === keyOf(eventId))
    const isWhole = replaced.length > 0 || events.get(eventId)?.state_key == null
    return {
      status: [`${ids.status} ${chain.status}`],
      signed: [pdu === undefined ? 'not told' : canonicalJson(pick(pdu, signedFields), false)],
      before,
      authorised: isWhole ? (ids.body.auth_chain_ids ?? []) : undefined,
      chain: (chain.body.auth_chain ?? []).map(({ type, state_key, hashes }: Body) => `${type} ${state_key} ${hashes.sha256}`),
      // What a place soft-failed it does not show to clients.
      after: around.status === 200 ? around.body.state.map(({ event_id }: Body) => event_id) : undefined,
    }
  }

  for (const eventId of eventIds) {
    const told = await Promise.all(asking.map((get, place) => tell(get, (watchers[place] as Person).hopper, eventId)))
    // A redaction that Synapse does not apply it tells nobody of.
    const isRedaction = events.get(eventId)?.type === 'm.room.redaction'
    if (isRedaction && told.at(-1)?.status[0] === '404 404') continue
    const [first, ...others] = told as [(typeof told)[0], ...typeof told]
    for (const [at, other] of others.entries()) {
      for (const what of ['status', 'signed', 'before', 'authorised', 'chain', 'after'] as const) {
        const differing = first[what] && other[what] ? notInBoth(first[what], other[what]) : []
        if (differing.length > 0) found.push(`version ${version}, places 0 and ${at + 1}, ${what} ${eventId}: ${differing.join(' ')}`)
      }
    }
  }
}
