import type { Body, Client, TestUser } from '../../support/server.ts'

export const slidingSyncPath = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'

/** One connection of a client, which goes on where the last answer ended. */
export type SlidingReader = {
  /** The next answer; throws what is not 200. */
  readonly next: (body?: object, query?: Record<string, string>) => Promise<Body>
  /** Asks again from where the last answer but one ended, as a client does that did not get an answer. */
  readonly again: (body?: object) => Promise<Body>
  readonly pos: () => string | undefined
}

/** Reads by sliding sync; what is in `always` is part of every request. */
export function slidingReader(client: Client, always: object = {}): SlidingReader {
  let pos: string | undefined
  let before: string | undefined
  async function ask(from: string | undefined, body: object, query: Record<string, string>): Promise<Body> {
    const answered = await client.post(
      slidingSyncPath,
      { ...always, ...body },
      { query: { ...(from === undefined ? {} : { pos: from }), ...query } },
    )
    if (answered.status !== 200) throw new Error(`sliding sync answered ${answered.status} ${answered.text}`)
    return answered.body
  }
  return {
    next: async (body = {}, query = {}) => {
      const answer = await ask(pos, body, query)
      before = pos
      pos = answer.pos
      return answer
    },
    again: async (body = {}) => {
      const answer = await ask(before, body, {})
      pos = answer.pos
      return answer
    },
    pos: () => pos,
  }
}

/** A list of all rooms. */
export const allRooms = (of: object = {}): object => ({
  lists: { all: { ranges: [[0, 99]], timeline_limit: 10, required_state: [], ...of } },
})

/** What is said in a room of an answer. */
export const bodiesIn = (room: Body): string[] => (room?.timeline ?? []).flatMap((event: Body) => event.content.body ?? [])

/** Does what clients do, one transaction id each. */
export function speaker(): {
  readonly say: (user: TestUser, roomId: string, body: string) => Promise<string>
  readonly makeRoom: (user: TestUser, of?: object) => Promise<string>
} {
  let transactions = 0
  return {
    say: async (user, roomId, body) =>
      (await user.put(`/rooms/${roomId}/send/m.room.message/t${transactions++}`, { msgtype: 'm.text', body })).body.event_id,
    makeRoom: async (user, of = {}) => (await user.post('/createRoom', { preset: 'public_chat', ...of })).body.room_id,
  }
}
