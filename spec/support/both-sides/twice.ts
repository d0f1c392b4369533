import { setTimeout as sleep } from 'node:timers/promises'
import type { RoomId } from '../../../server/core/ids.ts'
import type { Body, TestServer } from '../server.ts'
import { differencesOf } from './differences.ts'
import { plainly } from './plainly.ts'
import type { Told } from './told.ts'

const patience = 30_000

/** Tells a story twice, to a visitor of the room's own server and to one of another server; gives in what their answers differ. */
export async function differsFor(
  home: TestServer,
  away: TestServer,
  name: string,
  story: (told: Told) => Promise<void>,
): Promise<string[]> {
  const near = await tell(home, home, `${name}near`, story)
  const far = await tell(home, away, `${name}away`, story)
  return [...new Set([...near.keys(), ...far.keys()])].flatMap((key) => differencesOf(near.get(key), far.get(key), key))
}

async function tell(home: TestServer, away: TestServer, label: string, story: (told: Told) => Promise<void>): Promise<Map<string, Body>> {
  const [host, visitor] = [await home.register(`h${label}`), await away.register(`v${label}`)]
  const until = async (isSo: () => Promise<boolean>, what: string) => {
    const end = performance.now() + patience
    while (!(await isSo())) {
      if (performance.now() > end) throw new Error(`${label}: ${what} did not come about`)
      await sleep(10)
    }
  }
  const agreed = (room: string) =>
    until(async () => {
      const [here, there] = [await home.server.graph.room(room as RoomId), await away.server.graph.room(room as RoomId)]
      if (there === undefined || !there.servers.has(away.server.home.serverName)) return true
      return [...there.extremities].sort().join() === [...(here?.extremities ?? [])].sort().join()
    }, `agreement on ${room}`)
  // A room has in memory what its server tells once it is on the disk.
  const settled = async (room: string) => {
    await agreed(room)
    for (const { server } of [home, away]) {
      const outcome = await server.home.database.commit({ writes: [] })
      if (outcome.ok) await server.home.notifier.reached(outcome.position, patience)
    }
  }
  const told: Told = { host, visitor, home, away, rooms: [], seen: new Map(), until, settled }
  await story(told)
  return plainly(told)
}
