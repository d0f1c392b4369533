import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { stopPostgres } from '../support/postgres.ts'
import { type Engine, engines } from '../support/server.ts'
import { measureBridging } from './bridging.ts'
import { openConnection } from './client.ts'
import { type Growth, measureHistory, measureMembers } from './growth.ts'
import { measureListening } from './listening.ts'
import { eachOver, makePeople, makeRoom, type Person } from './people.ts'
import { measureSending, type Place } from './sending.ts'
import { type StartedServer, startFresh } from './started-server.ts'
import { type Figure, shown, tableText } from './table.ts'

type Sizes = { seconds: number; listeners: readonly number[]; members: number; events: { few: number; many: number } }
type Measured = { readonly name: string; readonly unit: string; readonly value: number }
type Note = (name: string, unit: string, value: number) => void

const usual: Sizes = { seconds: 5, listeners: [100], members: 1000, events: { few: 1000, many: 20_000 } }
const full: Sizes = { seconds: 10, listeners: [100, 1000], members: 10_000, events: { few: 1000, many: 300_000 } }
const parts: readonly string[] = ['server', 'bridge']
const bridgeSeconds = 30
const usage = `npm run bench -- [options]
  --full            rooms of 10,000 members, 300,000 events, 1,000 listeners
  --engine NAME     sqlite or postgres alone
  --seconds N       how long each part sends (5; 10 with --full; 30 through the bridge)
  --part NAME       server or bridge alone
`

async function main(): Promise<void> {
  const options = {
    full: { type: 'boolean' },
    engine: { type: 'string' },
    seconds: { type: 'string' },
    part: { type: 'string' },
    help: { type: 'boolean' },
  } as const
  const { values } = parseArgs({ options })
  if (values.help) return void process.stdout.write(usage)
  const base = values.full ? full : usual
  const sizes = { ...base, seconds: Number(values.seconds ?? base.seconds) }
  if (!(sizes.seconds > 0) || (values.engine !== undefined && !engines.includes(values.engine as Engine))) throw new Error(usage)
  if (values.part !== undefined && !parts.includes(values.part)) throw new Error(usage)
  const results = new Map<Engine, Measured[]>()
  for (const engine of engines) {
    if (values.engine !== undefined && values.engine !== engine) continue
    const measured = values.part === 'bridge' ? [] : await measureEngine(engine, sizes)
    const bridged = values.part === 'server' ? [] : await bridges(engine, Number(values.seconds ?? bridgeSeconds))
    if (measured && bridged) results.set(engine, [...measured, ...bridged])
  }
  await stopPostgres()
  process.stdout.write(
    `\n${cpus().length} × ${cpus()[0]?.model ?? 'processor'}, Node ${process.version}; server, database and driver share them\n`,
  )
  process.stdout.write(`${tableText([...results.keys()], figuresOf([...results.values()]))}\n`)
}

function figuresOf(results: readonly Measured[][]): Figure[] {
  return (results[0] ?? []).map(({ name, unit }, row) => ({ name, unit, values: results.map((measured) => measured[row]?.value) }))
}

async function measureEngine(engine: Engine, sizes: Sizes): Promise<Measured[] | undefined> {
  const server = await startFresh(engine)
  if (!server) return undefined
  const measured: Measured[] = []
  const note: Note = (name, unit, value) => {
    measured.push({ name, unit, value })
    process.stdout.write(`${engine}: ${name}: ${shown(value)} ${unit}\n`)
  }
  note('start on an empty folder', 'ms', server.startMilliseconds)
  try {
    const people = await makePeople(server, Math.max(200, ...sizes.listeners))
    await sends(server, people, sizes, note)
    for (const count of sizes.listeners) await listens(server, people.slice(0, count), note)
    const members = await measureMembers(server, people, sizes.members, sizes.seconds)
    noteGrowth(note, members, `room of ${count(sizes.members)} against 10 members`)
    const history = await measureHistory(server, people, sizes.events, sizes.seconds)
    noteGrowth(note, history, `${count(sizes.events.many)} against ${count(sizes.events.few)} events`)
  } finally {
    await server.stop()
  }
  return measured
}

async function bridges(engine: Engine, seconds: number): Promise<Measured[] | undefined> {
  const bridged = await measureBridging(engine, { chats: 100, perSecond: 500, seconds })
  if (!bridged) return undefined
  const name = 'bridge, 500 webhooks a second into 100 encrypted chats'
  const measured = [
    { name: `${name}: messages`, unit: '1/s', value: bridged.perSecond },
    { name: `${name}: p50`, unit: 'ms', value: bridged.p50 },
    { name: `${name}: p99`, unit: 'ms', value: bridged.p99 },
    { name: `${name}: the last is late by`, unit: 's', value: bridged.behind },
    { name: `${name}: server’s CPU of 1,000 messages`, unit: 's', value: bridged.serverCost },
    { name: `${name}: bridge’s CPU of 1,000 messages`, unit: 's', value: bridged.bridgeCost },
  ]
  for (const { name, unit, value } of measured) process.stdout.write(`${engine}: ${name}: ${shown(value)} ${unit}\n`)
  return measured
}

async function sends(server: StartedServer, people: readonly Person[], { seconds }: Sizes, note: Note): Promise<void> {
  const rooms: string[] = []
  const members = (room: number) => Array.from({ length: 20 }, (_, place) => people[(room * 4 + place) % 200]!)
  await eachOver(server.url, 50, async (connection, room) => {
    rooms[room] = await makeRoom(connection, members(room))
  })
  const connection = openConnection(server.url)
  const hotRoom = await makeRoom(connection, people.slice(0, 64))
  connection.close()
  const spread = Array.from({ length: 64 }, (_, worker): Place => {
    const room = worker % 50
    return { roomId: rooms[room]!, sender: members(room)[1 + Math.floor(worker / 50)]! }
  })
  const hot = people.slice(0, 64).map((sender): Place => ({ roomId: hotRoom, sender }))
  await measureSending(server, spread, 1)
  for (const [name, places] of [
    ['50 rooms, 64 in flight', spread],
    ['one hot room, 64 in flight', hot],
    ['alone', hot.slice(0, 1)],
  ] as const) {
    const sent = await measureSending(server, places, seconds)
    note(`${name}: sends`, '1/s', sent.perSecond)
    note(`${name}: p50`, 'ms', sent.p50)
    note(`${name}: p99`, 'ms', sent.p99)
    note(`${name}: CPU of 1,000 messages`, 's', sent.cost)
  }
}

async function listens(server: StartedServer, people: readonly Person[], note: Note): Promise<void> {
  const connection = openConnection(server.url)
  const roomId = await makeRoom(connection, people)
  connection.close()
  const often = people.length > 200 ? { messages: 15, perSecond: 2 } : { messages: 80, perSecond: 10 }
  const heard = await measureListening(server, { roomId, people }, often)
  const name = `${count(people.length)} listeners`
  note(`${name}: wake p50`, 'ms', heard.p50)
  note(`${name}: wake p99`, 'ms', heard.p99)
  note(`${name}: CPU of a delivery`, 'ms', heard.cost)
}

function noteGrowth(note: Note, { small, large }: Growth, name: string): void {
  note(`${name}: sends`, 'ratio', large.perSecond / small.perSecond)
  note(`${name}: CPU of a message`, 'ratio', large.cost / small.cost)
}

function count(of: number): string {
  return of.toLocaleString('en')
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
