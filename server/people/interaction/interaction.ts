import { isUserId, type ServerName, serverNameOf, type UserId } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { badJson, forbidden, MatrixError } from '../../core/matrix-error.ts'
import type { Home } from '../../home.ts'
import { type Guard, guard, type Write, write } from '../../storage/database.ts'
import { deleteExpiredStages, deleteStages, deleteSurplusStages, insertStage, selectStage, selectStages } from './interaction.store.ts'
import {
  digestOf,
  type InteractionSession,
  isFor,
  type Operation,
  openSession,
  readSession,
  sessionLifetime,
} from './interaction-session.ts'

type Tools = Pick<Home, 'database' | 'clock' | 'random' | 'signingKey'>

/** One step of proving that one may do something. */
export type Stage = {
  readonly type: string
  /** What clients need to know for it. */
  readonly params?: JsonObject
  /** Looks at an attempt: `done` is what is kept of it until the operation, `refused` says in words why not. */
  readonly attempt: (auth: JsonObject) => Promise<Attempt> | Attempt
  /** Whether what was kept counts here. */
  readonly counts?: (detail: string) => boolean
}
export type Attempt = { readonly done: string } | { readonly refused: string; readonly errcode?: string }

/** What was proved. Guards and writes end the session together with the operation; `refuse` answers that it was not enough after all. */
export type Passed = {
  readonly details: ReadonlyMap<string, string>
  readonly guards: readonly Guard[]
  readonly writes: readonly Write[]
  readonly refuse: (words: string) => never
}

const mostStages = 10_000

/**
 * The 401 of user-interactive authentication. Without a failed attempt there is no errcode: clients would show it.
 * https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
 */
export class InteractionRequired extends MatrixError {
  readonly failure: { readonly errcode: string; readonly error: string } | undefined

  constructor(fields: JsonObject, failure?: { errcode: string; error: string }) {
    super(401, failure?.errcode ?? 'M_UNAUTHORIZED', failure?.error ?? 'more is needed', fields)
    this.failure = failure
  }

  override toJSON(): JsonObject {
    return { ...this.fields, ...this.failure }
  }
}

/**
 * Passes when a request, with what its session has completed before, proves one of the flows; throws the 401 otherwise. 403 M_FORBIDDEN for a session
 * of another operation or user, and for a body that is not the one with which a stage was completed.
 */
export async function interact(home: Tools, operation: Operation, flows: readonly (readonly Stage[])[]): Promise<Passed> {
  const auth = readAuth(operation.body)
  const given = typeof auth['session'] === 'string' ? readSession(home, auth['session']) : undefined
  const session = given ?? openSession(home, operation)
  if (!isFor(home, session, operation)) throw forbidden('this session was begun for something else')
  const stages = new Map(flows.flat().map((stage) => [stage.type, stage]))
  const details = given ? await completedBefore(home, given, operation, stages) : new Map<string, string>()
  const ask = (failure?: { errcode: string; error: string }): never => {
    throw new InteractionRequired(
      {
        flows: flows.map((flow) => ({ stages: flow.map(({ type }) => type) })),
        params: Object.fromEntries([...stages.values()].flatMap(({ type, params }) => (params ? [[type, params]] : []))),
        session: session.id,
        ...(details.size > 0 ? { completed: [...details.keys()] } : {}),
      },
      failure,
    )
  }
  if (typeof auth['session'] === 'string' && !given) ask({ errcode: 'M_UNKNOWN', error: 'this session is not known, or has expired' })
  const kept = [...details.keys()]
  const stage = typeof auth['type'] === 'string' ? stages.get(auth['type']) : undefined
  if (stage && !details.has(stage.type)) {
    const outcome = await stage.attempt(auth)
    if ('refused' in outcome) return ask({ errcode: outcome.errcode ?? 'M_FORBIDDEN', error: outcome.refused })
    details.set(stage.type, outcome.done)
    if (!isPassed(flows, details)) await keepStage(home, session, stage.type, outcome.done, digestOf(home, operation.body))
  }
  if (!isPassed(flows, details)) ask()
  return {
    details,
    guards: kept.map((type) => guard('interaction', 'row', selectStage, session.id, type)),
    writes: kept.length > 0 ? [write(deleteStages, session.id)] : [],
    refuse: (error) => ask({ errcode: 'M_FORBIDDEN', error }),
  }
}

/** Notes that a stage of a session was completed, for the requests that come after. */
export async function keepStage(
  home: Pick<Home, 'database' | 'clock'>,
  session: InteractionSession,
  type: string,
  detail: string,
  body: string,
): Promise<void> {
  await home.database.commit({
    writes: [
      write(deleteExpiredStages, home.clock.now()),
      write(deleteSurplusStages, mostStages),
      write(insertStage, session.id, type, detail, body, Math.min(session.expiresAt, home.clock.now() + sessionLifetime)),
    ],
  })
}

/**
 * The user that a login or an `auth` names: `identifier` of type `m.id.user`, or the older `user`; a localpart or a whole id of this server.
 * Undefined for anything else: no third-party identifiers or phone numbers are kept here. https://spec.matrix.org/v1.19/client-server-api/#identifier-types
 */
export function namedUser(body: JsonObject, serverName: ServerName): UserId | undefined {
  const { identifier } = body
  const name = isJsonObject(identifier) ? (identifier['type'] === 'm.id.user' ? identifier['user'] : undefined) : body['user']
  if (typeof name !== 'string' || name === '') return undefined
  const userId = name.startsWith('@') && name.includes(':') ? name : `@${name}:${serverName}`
  return isUserId(userId) && serverNameOf(userId) === serverName ? userId : undefined
}

async function completedBefore(
  home: Tools,
  session: InteractionSession,
  operation: Operation,
  stages: ReadonlyMap<string, Stage>,
): Promise<Map<string, string>> {
  const rows = await home.database.select(selectStages, session.id, home.clock.now())
  const counting = rows.filter(({ stage, detail }) => stages.has(stage) && stages.get(stage)!.counts?.(detail) !== false)
  const body = digestOf(home, operation.body)
  if (counting.some((row) => row.body !== '' && row.body !== body)) throw forbidden('the request is not the one that was authorised')
  return new Map(counting.map(({ stage, detail }) => [stage, detail]))
}

function isPassed(flows: readonly (readonly Stage[])[], details: ReadonlyMap<string, string>): boolean {
  return flows.some((flow) => flow.every(({ type }) => details.has(type)))
}

function readAuth({ auth }: JsonObject): JsonObject {
  if (auth === undefined || auth === null) return {}
  if (!isJsonObject(auth)) throw badJson('`auth` must be an object')
  return auth
}
