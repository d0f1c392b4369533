import { expect } from 'chai'
import type { EventId, RoomId, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { pushReader } from '../../../server/core/push-reader.ts'
import { basePushRules, type PushRule, type PushRuleset } from '../../../server/core/push-rules.ts'
import type { Graph, Template } from '../../../server/graph/graph.ts'
import { changeRule, putRule } from '../../../server/push/edit-rules.ts'
import type { Database } from '../../../server/storage/database.ts'
import { graphOver, member, user } from '../../support/graph.ts'
import { randomNumbers } from '../../support/random-json.ts'
import type { Opened } from '../../support/storage.ts'
import { type Counts, type Life, type Said, threadByModel, unreadByModel } from './unread-model.ts'

/** One random history in a room of its own: what is done to the server is told to the model. */
type History = {
  readonly alice: UserId
  /** Who reads. */
  readonly bob: UserId
  readonly carol: UserId
  readonly roomId: RoomId
  readonly database: Database
  graph: Graph
  readonly life: Life
  readonly pick: (below: number) => number
  readonly in: Set<UserId>
  roomLevel: number
  bobName: string | undefined
  reader: ReturnType<typeof pushReader>
}

/** Plays histories of random length, from one seed on, many at a time; after each of many steps server and model count the same. Gives how many were compared. */
export async function playHistories(open: Opened, first: number, many: number): Promise<number> {
  let compared = 0
  for (let from = first; from < first + many; from += 25) {
    const graphs = [graphOver(open), graphOver(open)] as const
    const seeds = Array.from({ length: Math.min(25, first + many - from) }, (_, at) => from + at)
    const counts = await Promise.all(seeds.map((seed) => playHistory(open.database, graphs, seed)))
    compared += counts.reduce((sum, count) => sum + count, 0)
  }
  return compared
}

async function playHistory(database: Database, graphs: readonly [Graph, Graph], seed: number): Promise<number> {
  const random = randomNumbers(seed)
  const pick = (below: number) => Math.floor(random() * below)
  const history = await begin(database, graphs[0], pick, seed)
  let compared = 0
  const steps = 10 + pick(25)
  const restartAt = pick(3 * steps)
  for (let step = 0; step < steps; step++) {
    if (step === restartAt) history.graph = graphs[1]
    await deeds[pick(deeds.length)]!(history)
    if (pick(3) > 0 && step < steps - 1) continue
    compared++
    const { main, threads } = await history.graph.unread(history.roomId, history.reader)
    const counted: Counts = {}
    if (main.notifications > 0) counted['main'] = [main.notifications, main.highlights]
    for (const [rootId, { notifications, highlights }] of threads) counted[rootId] = [notifications, highlights]
    expect(counted, `history ${seed}, step ${step}`).to.deep.equal(unreadByModel(history.bob, history.life))
  }
  return compared
}

async function begin(database: Database, graph: Graph, pick: History['pick'], seed: number): Promise<History> {
  const [alice, bob, carol] = [user(`alice${seed}`), user(`bob${seed}`), user(`carol${seed}`)]
  const state = (type: string, content: JsonObject): Template => ({ type, stateKey: '', sender: alice, content })
  const { roomId } = await graph.create('11', [
    state('m.room.create', { room_version: '11' }),
    member(alice, alice, 'join'),
    state('m.room.power_levels', { users: { [alice]: 100 }, redact: 0 }),
    state('m.room.join_rules', { join_rule: 'public' }),
  ])
  const rules = basePushRules(bob)
  const life: Life = { said: [], receipts: new Map(), rules, ignored: new Set(), arrival: -1 }
  const reader = pushReader(bob, rules, life.ignored)
  const room = { in: new Set([alice]), roomLevel: 50, bobName: undefined }
  const history: History = { alice, bob, carol, roomId, database, graph, life, pick, reader, ...room }
  await come(history, carol)
  await come(history, bob)
  return history
}

async function say(history: History, template: Template): Promise<Said> {
  const { roomId, graph, life } = history
  const { sender, type, content, stateKey } = template
  const before = {
    memberCount: history.in.size,
    senderPower: sender === history.alice ? 100 : 0,
    roomLevel: history.roomLevel,
    readerName: history.bobName,
  }
  const { eventIds } = await graph.append(roomId, [template])
  const thread = threadByModel(life.said, content)
  const event = { type, sender, content, room_id: roomId, ...(stateKey === undefined ? {} : { state_key: stateKey }) }
  const said: Said = { id: eventIds[0]!, event, sender, thread, ...before, redacted: false }
  life.said.push(said)
  return said
}

async function come(history: History, who: UserId): Promise<void> {
  const isArrival = !history.in.has(who)
  const name = history.pick(2) === 0 ? undefined : 'Bobby'
  const content: JsonObject = { membership: 'join', ...(name === undefined ? {} : { displayname: name }) }
  await say(history, { ...member(who, who, 'join'), content })
  history.in.add(who)
  if (who !== history.bob) return
  history.bobName = name
  if (isArrival) history.life.arrival = history.life.said.length - 1
}

async function go(history: History, who: UserId, by: UserId): Promise<void> {
  if (!history.in.has(who)) return
  await say(history, member(by, who, 'leave'))
  history.in.delete(who)
  if (who === history.bob) history.life.arrival = -1
}

const bodies = ['hello', 'a cake for all', 'ask Bobby', '@room look']
const types = [
  ...[
    'm.room.message',
    'm.room.message',
    'm.room.message',
    'm.room.encrypted',
    'm.sticker',
    'm.call.invite',
    'm.reaction',
    'M.ROOM.MESSAGE',
  ],
  ...['org.matrix.msc3381.poll.start', 'org.matrix.msc3381.poll.response', 'org.matrix.msc3381.poll.end'],
]

function speaker({ pick, in: inside, alice, bob, carol }: History): UserId {
  const sender = [alice, carol, carol, bob][pick(4)]!
  return inside.has(sender) ? sender : alice
}

async function speak(history: History, more: JsonObject = {}): Promise<void> {
  const { pick, life, alice, bob, carol } = history
  const mentions = [
    undefined,
    undefined,
    { user_ids: [bob] },
    { user_ids: [carol, bob, 7, 'x'] },
    { room: true },
    { room: true, user_ids: [bob] },
  ][pick(6)]
  const content: JsonObject = {
    msgtype: pick(5) === 0 ? 'm.notice' : 'm.text',
    body: bodies[pick(bodies.length)]!,
    ...(mentions === undefined ? {} : { 'm.mentions': mentions }),
    ...more,
  }
  const isState = pick(12) === 0
  const template = { type: types[pick(types.length)]!, sender: isState ? alice : speaker(history), content }
  if (isState) await say(history, { ...template, stateKey: '', type: ['m.room.topic', 'm.room.tombstone', 'm.room.server_acl'][pick(3)]! })
  else if (template.type !== 'm.reaction' || life.said.length === 0) await say(history, template)
  else
    await say(history, { ...template, content: { ...content, 'm.relates_to': { rel_type: 'm.reference', event_id: target(history).id } } })
}

function target({ life, pick }: History): Said {
  const { said } = life
  return said[Math.max(0, said.length - 1 - pick(8))]!
}

/** The root of a thread; few roots, so that threads have more than one event. */
function root({ life, pick }: History): string {
  return life.said[pick(Math.min(3, life.said.length))]!.id
}

async function redact(history: History): Promise<void> {
  const one = target(history)
  if (one.event['state_key'] !== undefined) return
  await say(history, {
    type: 'm.room.redaction',
    sender: history.pick(3) > 0 ? history.alice : speaker(history),
    content: { redacts: one.id },
  })
  one.redacted = true
}

async function read(history: History): Promise<void> {
  const { graph, roomId, life, pick, database, bob } = history
  const one = target(history)
  const thread = [undefined, 'main', root(history)][pick(3)]
  const at = life.said.indexOf(one)
  const position = (await graph.event(one.id as EventId))!.position!
  const moved = graph.readMarker(bob, roomId, position, thread)
  await database.commit({ writes: moved.writes, log: moved.log, applied: () => moved.applied() })
  life.receipts.set(thread, Math.max(at, life.receipts.get(thread) ?? -1))
}

const nowhere = { before: undefined, after: undefined }
const loud = ['notify', { set_tweak: 'highlight' }]
const put = (kind: keyof PushRuleset, id: string, rule: Pick<PushRule, 'actions' | 'conditions' | 'pattern'>) => (rules: PushRuleset) =>
  putRule(rules, kind, id, rule, nowhere)
const off = (kind: keyof PushRuleset, id: string) => (rules: PushRuleset) => changeRule(rules, kind, id, { actions: [] })
const inRoom = (roomId: string) => ({ kind: 'event_match', key: 'room_id', pattern: roomId })

/** What the reader may do about the rules. */
const changes: ((history: History) => (rules: PushRuleset) => PushRuleset)[] = [
  ({ bob }) =>
    () =>
      basePushRules(bob),
  ({ bob }) =>
    () =>
      basePushRules(bob),
  ({ roomId }) => put('override', 'mute', { actions: [], conditions: [inRoom(roomId)] }),
  () => put('override', 'mute another', { actions: [], conditions: [inRoom('!another')] }),
  ({ roomId }) => put('room', roomId, { actions: [] }),
  () => put('content', 'cake', { actions: loud, pattern: 'cake' }),
  ({ carol }) => put('sender', carol, { actions: [] }),
  () => off('underride', '.m.rule.message'),
  () => (rules) => changeRule(rules, 'override', '.m.rule.master', { enabled: true }),
  () => (rules) => changeRule(rules, 'override', '.m.rule.is_user_mention', { enabled: false }),
  () => (rules) => changeRule(rules, 'underride', '.m.rule.message', { actions: ['notify', { set_tweak: 'sound', value: 'bing' }] }),
  () => put('override', 'my name', { actions: loud, conditions: [{ kind: 'contains_display_name' }] }),
  () => put('override', 'crowd', { actions: [], conditions: [{ kind: 'room_member_count', is: '>2' }] }),
  () =>
    put('override', 'all of you', {
      actions: loud,
      conditions: [
        { kind: 'event_match', key: 'content.body', pattern: '@room' },
        { kind: 'sender_notification_permission', key: 'room' },
      ],
    }),
]

async function change(history: History): Promise<void> {
  const { life, pick, bob, carol } = history
  if (pick(4) === 0) life.ignored = new Set(life.ignored.size > 0 ? [] : [carol])
  else life.rules = changes[pick(changes.length)]!(history)(life.rules)
  history.reader = pushReader(bob, life.rules, life.ignored)
}

async function setLevel(history: History): Promise<void> {
  const level = [0, 50, 100][history.pick(3)]!
  const content = { users: { [history.alice]: 100 }, redact: 0, notifications: { room: level } }
  await say(history, { type: 'm.room.power_levels', stateKey: '', sender: history.alice, content })
  history.roomLevel = level
}

const thread = (history: History) => speak(history, { 'm.relates_to': { rel_type: 'm.thread', event_id: root(history) } })
const edit = (history: History) =>
  speak(history, { 'm.relates_to': { rel_type: 'm.replace', event_id: target(history).id }, 'm.new_content': { body: 'new' } })
const reply = (history: History) => speak(history, { 'm.relates_to': { 'm.in_reply_to': { event_id: target(history).id } } })
const refer = (history: History) => speak(history, { 'm.relates_to': { rel_type: 'm.reference', event_id: target(history).id } })

const deeds: ((history: History) => Promise<void>)[] = [
  ...[
    speak,
    speak,
    speak,
    speak,
    speak,
    speak,
    thread,
    thread,
    thread,
    thread,
    edit,
    reply,
    reply,
    refer,
    refer,
    redact,
    redact,
    read,
    read,
    read,
    change,
    change,
  ],
  setLevel,
  comeOrGo('carol', 1),
  comeOrGo('bob', 2),
]

/** Comes, or once there goes (or is made to) one time of so many. */
function comeOrGo(name: 'bob' | 'carol', ofTimes: number) {
  return (history: History): Promise<void> => {
    const { [name]: who, alice, pick } = history
    const goes = history.in.has(who) && pick(ofTimes) === 0
    return goes ? go(history, who, [alice, who][pick(2)]!) : come(history, who)
  }
}
