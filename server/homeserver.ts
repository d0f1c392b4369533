import type { Config } from '../config/schema.ts'
import { account } from './account/index.ts'
import { accountData } from './account-data/index.ts'
import { appservice } from './appservice/index.ts'
import { supportedRoomVersions } from './core/room-versions.ts'
import { deviceList } from './device-list/index.ts'
import { discovery } from './discovery/index.ts'
import { events } from './events/index.ts'
import { federation } from './federation/index.ts'
import { createGraph } from './graph/create-graph.ts'
import type { Graph } from './graph/graph.ts'
import type { Home } from './home.ts'
import type { Endpoint } from './http/endpoint.ts'
import { type Listening, listen } from './http/listen.ts'
import { mount } from './http/mount.ts'
import { operatorsEndpoints } from './http/operations.ts'
import { createRateLimit } from './http/rate-limit.ts'
import { type Answer, serveWith } from './http/serve.ts'
import { type AuthenticateServer, createServerAuth } from './http/server-auth.ts'
import { keyBackup } from './key-backup/index.ts'
import { keys } from './keys/index.ts'
import { media } from './media/index.ts'
import { membership } from './membership/index.ts'
import { moderation } from './moderation/index.ts'
import { closeHome, type Overrides, openHome } from './open-home.ts'
import { createPeople } from './people/create-people.ts'
import type { People } from './people/people.ts'
import { presence } from './presence/index.ts'
import { profile } from './profile/index.ts'
import { push } from './push/index.ts'
import { receipts } from './receipts/index.ts'
import { relations } from './relations/index.ts'
import { rooms } from './rooms/index.ts'
import { search } from './search/index.ts'
import { serverNotices } from './server-notices/index.ts'
import type { Section, Slice, Tools } from './slice.ts'
import { slidingSync } from './sliding-sync/index.ts'
import { sync } from './sync/index.ts'
import { thirdParty } from './third-party/index.ts'
import { toDevice } from './to-device/index.ts'
import { typing } from './typing/index.ts'
import { userDirectory } from './user-directory/index.ts'
import { voip } from './voip/index.ts'

export type Homeserver = {
  readonly home: Home
  readonly people: People
  readonly graph: Graph
  readonly endpoints: readonly Endpoint[]
  /** Listens where the configuration says, then starts the readers. */
  readonly listen: () => Promise<Listening>
  /** Ends readers and long polls, lets running requests finish, closes the database. Within ten seconds. */
  readonly close: () => Promise<void>
}

const drainTime = 8000

/** Builds a homeserver. Throws in words for the operator when the configuration, the registrations or the database cannot be used. */
export async function createHomeserver(config: Config, overrides: Overrides = {}): Promise<Homeserver> {
  if (!supportedRoomVersions.includes(config.default_room_version)) {
    throw new Error(`default_room_version: ${config.default_room_version} is none of ${supportedRoomVersions.join(', ')}`)
  }
  const home = await openHome(config, overrides)
  const people = await createPeople(home).catch(async (error) => {
    await closeHome(home)
    throw error
  })
  const graph = createGraph(home)
  const tools: Tools = { home, people, graph }
  const slices = buildSlices(tools)
  const endpoints = [...slices.flatMap((slice) => slice.endpoints ?? []), ...operatorsEndpoints(home)]
  for (const { forget } of slices) {
    if (forget?.device) people.onDeviceRemoved(forget.device)
    if (forget?.user) people.onUserRemoved(forget.user)
  }
  return { home, people, graph, endpoints, ...lifeOf(tools, slices, endpoints) }
}

/** Every part of the server that can be plugged in, one line each. */
function buildSlices(tools: Tools): Slice[] {
  let all: readonly Section[] | undefined
  const sections = () => {
    all ??= slices.flatMap((slice) => slice.sections ?? [])
    return all
  }
  const edus = () => slices.flatMap((slice) => slice.edus ?? [])
  const broadcasts = () => slices.flatMap((slice) => slice.broadcasts ?? [])
  const slices: Slice[] = [
    account(tools),
    accountData(tools),
    deviceList(tools),
    events(tools, sections),
    federation(tools, { edus, broadcasts }),
    keyBackup(tools),
    keys(tools),
    media(tools),
    membership(tools),
    moderation(tools),
    presence(tools),
    profile(tools),
    push(tools),
    receipts(tools),
    relations(tools),
    rooms(tools),
    search(tools),
    serverNotices(tools),
    thirdParty(tools),
    toDevice(tools),
    typing(tools),
    userDirectory(tools),
    voip(tools),
  ]
  const paths = () => slices.flatMap(({ endpoints = [] }) => endpoints.flatMap(({ path, aliases = [] }) => [path, ...aliases]))
  slices.push(sync(tools, sections), slidingSync(tools, sections), appservice(tools, sections), discovery(tools, paths))
  return slices
}

/** Every endpoint that a homeserver has, without opening one. */
export function listEndpoints(): { method: string; path: string; aliases: readonly string[]; operationId: string }[] {
  const endpoints = [...buildSlices(nothing as Tools).flatMap((slice) => slice.endpoints ?? []), ...operatorsEndpoints(nothing as Home)]
  return endpoints.flatMap(({ method, path, aliases = [], operationId, alsoOperations = [] }) =>
    [operationId, ...alsoOperations].map((id) => ({ method, path, aliases, operationId: id })),
  )
}

/** The pages, with what they need: few starts ever see them asked for. */
async function pagesOf(tools: Tools): Promise<Answer> {
  const [{ consolePages }, { servePages }] = await Promise.all([import('./console/index.ts'), import('./http/serve-pages.ts')])
  return servePages(consolePages(tools), tools.home.log)
}

/** Tells the slices which servers have signed a request. */
function hearing(authenticate: AuthenticateServer, slices: readonly Slice[]): AuthenticateServer {
  const told = slices.flatMap(({ heardFrom }) => heardFrom ?? [])
  return async (request) => {
    const origin = await authenticate(request)
    for (const tell of told) tell(origin)
    return origin
  }
}

function lifeOf(tools: Tools, slices: readonly Slice[], endpoints: readonly Endpoint[]): Pick<Homeserver, 'listen' | 'close'> {
  const { home, people } = tools
  const { config, log, metrics, clock } = home
  const rateLimit = config.rate_limits === 'off' ? undefined : createRateLimit(config, clock.now)
  const authenticateServer = hearing(createServerAuth(home), slices)
  const mounted = mount({ endpoints, authenticate: people.authenticate, authenticateServer, rateLimit, log, metrics })
  const readers = slices.flatMap((slice) => slice.readers ?? [])
  let listening: Listening | undefined
  return {
    listen: async () => {
      listening = await listen(
        config.listeners,
        serveWith(mounted, () => pagesOf(tools)),
      )
      for (const reader of readers) await reader.start()
      return listening
    },
    close: async () => {
      mounted.abortAll()
      await Promise.all([listening?.close(drainTime), ...readers.map((reader) => reader.stop())])
      await closeHome(home)
    },
  }
}

/** Answers with itself whatever it is asked: slices can be built from it, and not run. */
const nothing: unknown = new Proxy(() => {}, { get: (_, name) => (name === Symbol.toPrimitive ? () => '' : nothing), apply: () => nothing })
