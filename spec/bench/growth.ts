import { openConnection } from './client.ts'
import { median } from './loops.ts'
import { joinCrowd, makeRoom, type Person } from './people.ts'
import { fillHistory, measureSending, type Place, type Sent } from './sending.ts'
import type { StartedServer } from './started-server.ts'

export type Growth = { readonly small: Sent; readonly large: Sent }

const speakers = 10
const rounds = 5

/** What a message costs in a room of 10 members and in one of many. */
export async function measureMembers(server: StartedServer, people: readonly Person[], members: number, seconds: number): Promise<Growth> {
  const { small, large, largeRoom } = await twoRooms(server, people)
  await joinCrowd(server, largeRoom, { from: 0, count: members - speakers })
  return takeTurns(server, small, large, seconds)
}

/** What a message costs in a room of few events and in one of many. */
export async function measureHistory(
  server: StartedServer,
  people: readonly Person[],
  events: { few: number; many: number },
  seconds: number,
): Promise<Growth> {
  const { small, large } = await twoRooms(server, people)
  await fillHistory(server, small, events.few)
  await fillHistory(server, large, events.many)
  return takeTurns(server, small, large, seconds)
}

async function twoRooms(server: StartedServer, people: readonly Person[]) {
  const connection = openConnection(server.url)
  const members = people.slice(0, speakers)
  const rooms = [await makeRoom(connection, members), await makeRoom(connection, members)] as const
  connection.close()
  const placesIn = (roomId: string): Place[] => [...members, ...members, ...members].map((sender) => ({ roomId, sender }))
  return { small: placesIn(rooms[0]), large: placesIn(rooms[1]), largeRoom: rooms[1] }
}

/** The rooms take turns, so that whatever else the machine does meanwhile meets both; the first turns are not counted. */
async function takeTurns(server: StartedServer, small: readonly Place[], large: readonly Place[], seconds: number): Promise<Growth> {
  const inSmall: Sent[] = []
  const inLarge: Sent[] = []
  for (let round = 0; round <= rounds; round++) {
    const sent = [await measureSending(server, small, seconds / rounds), await measureSending(server, large, seconds / rounds)] as const
    if (round === 0) continue
    inSmall.push(sent[0])
    inLarge.push(sent[1])
  }
  return { small: middle(inSmall), large: middle(inLarge) }
}

function middle(all: readonly Sent[]): Sent {
  const of = (name: keyof Sent) => median(all.map((sent) => sent[name]))
  return { count: of('count'), perSecond: of('perSecond'), p50: of('p50'), p99: of('p99'), cost: of('cost') }
}
