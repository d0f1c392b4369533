import type { Body, TestServer, TestUser } from '../server.ts'

/** A story with a host, whose server the rooms are of, and a visitor, who is of the same server or of another one. */
export type Told = {
  readonly host: TestUser
  readonly visitor: TestUser
  readonly home: TestServer
  readonly away: TestServer
  readonly rooms: string[]
  /** What the visitor was answered, by the moment and the question. */
  readonly seen: Map<string, Body>
  readonly until: (isSo: () => Promise<boolean>, what: string) => Promise<void>
  /** Until both servers have the same of a room, as far as the visitor's is in it. */
  readonly settled: (room: string) => Promise<void>
}
