import type { ServerName } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { parseStored } from '../core/lossless-json.ts'
import { lesser } from '../core/servers/server-keys.ts'
import { write } from '../storage/database.ts'
import { askItself, type KeyTools } from './ask-for-keys.ts'
import { askNotaries, type NotaryTools, type Question } from './ask-notaries.ts'
import { chooseNow, createMemory, type Kept, type Wanted } from './kept-keys.ts'
import { type By, createAttempts } from './key-attempts.ts'
import type { OwnKeys } from './own-keys.ts'
import { createPlaces, type Places } from './places.ts'
import {
  claimKeys,
  claimResponse,
  deleteStrangersKeys,
  deleteStrangersResponses,
  type ResponseRow,
  selectResponse,
} from './server-keys.store.ts'

export type KeyRing = {
  /** The public key in Base64, or undefined: there is none, it was not valid then, or nobody could be asked. */
  readonly find: (wanted: Wanted) => Promise<string | undefined>
  /** What a server said of its keys, for those who ask us instead; asked for again unless it is valid until then and names those keys. */
  readonly responsesOf: (serverName: ServerName, minimumValidUntil: number, keyIds?: readonly string[]) => Promise<readonly JsonObject[]>
}

type Tools = KeyTools &
  Pick<NotaryTools, 'notaries'> & {
    readonly serverName: ServerName
    readonly ownKeys: Pick<OwnKeys, 'find'>
    /** After so long without an answer of the server itself the notaries are asked meanwhile. */
    readonly soonMs?: number
    /** For so long a question for an event waits for its turn. */
    readonly turnMs?: number
    /** Of so many servers that no event named keys are kept. */
    readonly mostStrangers?: number
  }
type Whose = 'strangers' | 'acquaintances' | 'others' | 'events'
type Asking = NotaryTools & Pick<Tools, 'soonMs'>

/** Questions under way of each kind: anybody may name servers that do not answer, and is not to hold up those that have a part in something. */
const mostAsked = 50
/** Questions for events wait for their turn: an event whose key nobody could be asked for is lost. */
const longestLine = 5000
const patienceForTurn = 60_000
const soon = 3000
/** Anybody may have as many names as there are. */
const manyStrangers = 5000

/** The keys of other servers: in memory, on disk, from themselves, from notaries. */
export function createKeyRing(tools: Tools): KeyRing {
  const { database, clock } = tools
  const { fresh, read } = createMemory(tools)
  const { attempts, refresh } = createAsking(tools)
  const pick = (keys: readonly Kept[], wanted: Wanted) => chooseNow(keys, wanted, clock.now(), attempts.saidAt(wanted.serverName))

  async function look(wanted: Wanted): Promise<string | undefined> {
    const { serverName, keyId, at, isHere = false } = wanted
    const remembered = pick(fresh(serverName), wanted)
    if (remembered !== undefined) return remembered
    const stored = await read(serverName)
    const found = pick(stored, wanted)
    if (found !== undefined || isHere) return found
    // Whoever speaks to us can be asked: strangers with names of their own choice make this server tell no notary of them.
    const whose = wanted.forRequest !== true ? 'events' : stored.some(({ isStrangers }) => !isStrangers) ? 'acquaintances' : 'strangers'
    const question = { serverName, keyId, until: at ?? clock.now(), isStrangers: whose === 'strangers' }
    const isNew = stored.every((key) => key.keyId !== keyId)
    await refresh(question, whose, whose === 'events' || stored.length > 0, isNew)
    return pick(await read(serverName), wanted)
  }

  /**
   * What an event is said to be signed with is kept for good, whatever becomes of the event: that is decided long after, and keys of a server that is gone,
   * forgotten meanwhile, could not be had again. So the bound for strangers is one for those who send no event, as any server can that has a certificate.
   */
  async function claim(serverName: ServerName): Promise<void> {
    if (!fresh(serverName).some(({ isStrangers }) => isStrangers)) return
    await database.commit({ writes: [write(claimKeys, serverName), write(claimResponse, serverName)] })
    await read(serverName)
  }

  return {
    find: async (wanted) => {
      if (wanted.serverName === tools.serverName) return tools.ownKeys.find(wanted)
      const found = await look(wanted)
      if (found !== undefined && !wanted.forRequest) await claim(wanted.serverName)
      return found
    },
    responsesOf: async (serverName, minimumValidUntil, keyIds = []) => {
      const until = Math.max(minimumValidUntil, clock.now())
      const before = await database.selectOne(selectResponse, serverName)
      const keyId = keyIds.find((wanted) => !names(before, wanted))
      if (keyId !== undefined || endOf(before) < until)
        await refresh({ serverName, keyId, until, isStrangers: true }, 'others', false, false)
      const row = await database.selectOne(selectResponse, serverName)
      return row === undefined ? [] : [parseStored(row.response) as JsonObject]
    },
  }
}

/** Questions to servers, one request a server at a time; `attempts` says what came of them. */
function createAsking(tools: Tools) {
  const under = new Map<string, Promise<void>>()
  const inLine = new Map<string, Promise<void>>()
  const places = createPlacesFor(tools)
  const attempts = createAttempts(tools.clock)
  const hadNoTurn = createAttempts(tools.clock)
  const ask = createAsk(tools, attempts)

  const isSpared = (name: string, { serverName }: Question, isNew: boolean) =>
    attempts.isRecent(name) && !(isNew && attempts.mayHaveNewKey(serverName))

  /** For who has a place, which is left at the end. */
  function begin(name: string, question: Question, whose: Whose): Promise<void> {
    if (attempts.isRecent(name)) attempts.noteNewKey(question.serverName)
    const done = ask(question, name === question.serverName).finally(() => {
      places[whose].leave()
      under.delete(name)
    })
    under.set(name, done)
    return done
  }

  /** A server that was waited for in vain is not waited for again at once, where whoever asks holds others up. */
  async function askInTurn(name: string, question: Question, isNew: boolean): Promise<void> {
    const hasPlace = await places.events.take()
    hadNoTurn.forget(name)
    if (!hasPlace) return hadNoTurn.note(name, undefined, tools.clock.now())
    const same = under.get(name)
    if (same === undefined && !isSpared(name, question, isNew)) return begin(name, question, 'events')
    places.events.leave()
    return same
  }

  /**
   * Asks for a server's keys, of itself alone or of notaries too, unless that was just done (`isNew`: and it is one that nobody knows); resolves when what
   * came of it is on disk.
   */
  function refresh(question: Question, whose: Whose, alsoNotaries: boolean, isNew: boolean): Promise<void> {
    const { serverName } = question
    const name = alsoNotaries ? serverName : itselfOf(serverName)
    const same = under.get(name) ?? (whose === 'events' ? inLine.get(name) : undefined)
    if (same !== undefined) return same
    if (isSpared(name, question, isNew)) return Promise.resolve()
    if (places[whose].takeNow()) return begin(name, question, whose)
    if (whose !== 'events' || hadNoTurn.isRecent(name)) return Promise.resolve()
    const done = askInTurn(name, question, isNew).finally(() => inLine.delete(name))
    inLine.set(name, done)
    return done
  }

  return { attempts, refresh }
}

/** So many of each kind at once, and those for events each in its turn. */
function createPlacesFor({ turnMs = patienceForTurn }: Tools): Record<Whose, Places> {
  const atOnce = { most: mostAsked, longest: 0, patienceMs: 0 }
  return {
    strangers: createPlaces(atOnce),
    acquaintances: createPlaces(atOnce),
    others: createPlaces(atOnce),
    events: createPlaces({ most: mostAsked, longest: longestLine, patienceMs: turnMs }),
  }
}

/** Asks, and notes what came of it. */
function createAsk(tools: Tools, attempts: ReturnType<typeof createAttempts>) {
  const asker: Asking = { ...tools, silent: createAttempts(tools.clock) }
  const forgetStrangers = createForgetting(tools)

  return async (question: Question, alsoNotaries: boolean): Promise<void> => {
    const { serverName, isStrangers } = question
    const from = tools.clock.now()
    const by = await fetchKeys(alsoNotaries ? asker : { ...asker, notaries: [] }, question).catch(() => undefined)
    attempts.note(alsoNotaries ? serverName : itselfOf(serverName), by, from)
    if (by === 'itself') attempts.note(alsoNotaries ? itselfOf(serverName) : serverName, by, from)
    if (by !== undefined && isStrangers) await forgetStrangers()
  }
}

/** At first, and now and then, forgets the keys of strangers that were heard from longest ago. */
function createForgetting({ database, mostStrangers = manyStrangers }: Tools): () => Promise<void> {
  let stored = 0
  return async () => {
    if (stored++ % Math.ceil(mostStrangers / 20) !== 0) return
    const writes = [write(deleteStrangersKeys, mostStrangers), write(deleteStrangersResponses, mostStrangers)]
    await database.commit({ writes }).catch(() => undefined)
  }
}

const itselfOf = (serverName: ServerName) => `${serverName} itself`

function endOf(row: ResponseRow | undefined): number {
  return row === undefined ? 0 : lesser(row.valid_until, row.fetched_at)
}

function names(row: ResponseRow | undefined, keyId: string): boolean {
  const { verify_keys: keys, old_verify_keys: old }: JsonObject = row === undefined ? {} : (parseStored(row.response) as JsonObject)
  return [keys, old].some((some) => isJsonObject(some) && Object.hasOwn(some, keyId))
}

/** Asks the server itself, and the notaries where it does not answer, or not soon; who knew, if anybody. */
async function fetchKeys(tools: Asking, question: Question): Promise<By> {
  const itself = askItself(tools, question.serverName, question.isStrangers)
  const isSlow = tools.notaries.length > 0 && (await takesLong(itself, tools.soonMs ?? soon))
  if (!isSlow && (await itself)) return 'itself'
  const notaries = askNotaries(tools, question)
  if (!isSlow) return (await notaries) ? 'notary' : undefined
  const first = await Promise.race([
    itself.then((knew) => (knew ? 'itself' : undefined)),
    notaries.then((knew) => (knew ? 'notary' : undefined)),
  ])
  return first ?? ((await itself) ? 'itself' : (await notaries) ? 'notary' : undefined)
}

function takesLong(asked: Promise<unknown>, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), milliseconds)
    const done = () => {
      clearTimeout(timer)
      resolve(false)
    }
    asked.then(done, done)
  })
}
