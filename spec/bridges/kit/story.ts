import type { InboundEvent } from '../../../bridges/kit/connector.ts'
import { accept, applyItem, applyLateItem } from '../../../bridges/kit/inbox.ts'
import type { HubPlan, Kit, LateRules } from '../../../bridges/kit/kit.ts'
import type { MatrixEvent } from '../../../bridges/kit/matrix/event.ts'
import { expireKept, releaseAwoken, releaseChanged } from '../../../bridges/kit/outbound/kept.ts'
import { applyMatrixEvent } from '../../../bridges/kit/outbound/message.ts'
import { showStatuses } from '../../../bridges/kit/outbound/status.ts'
import { abandonInterrupted, submit } from '../../../bridges/kit/outbox.ts'
import { selectLateInbox } from '../../../bridges/kit/store/inbox.store.ts'
import { insertMatrixEvent } from '../../../bridges/kit/store/transactions.store.ts'
import { account, Crash, openKit, type World } from './house-of-cards.ts'
import { selectNewInbox, selectNewMatrixEvents, selectQueued } from './queues.ts'

export const hub: HubPlan = { alias: '#hub:hs.test', name: 'Bike sale', invite: [] }
export const ana = { ids: [{ kind: 'phone', value: '15550000001' }], name: 'Ana' } as const
export const ben = { ids: [{ kind: 'phone', value: '15550000002' }], name: 'Ben' } as const
export const alice = '@alice:hs.test'
export const ghostOf = (network: string) => `@_${network}_${'b'.repeat(26)}:hs.test`
export const mark = (network: string) => ({ 'org.tombolo.origin': { network, spoke: 'elsewhere', name: 'Bob', hop: 1, relay: true } })

type Said = { chat: typeof ana | typeof ben; id: string; own?: boolean; at?: number; replyTo?: string }
export const said = (from: Said['chat'], id: string, text: string, more: Partial<Said> = {}): InboundEvent => ({
  ...{ type: 'message', account, own: false, chat: from, id, text },
  ...more,
})

/** An event that somebody wrote in the first room, encrypted as their client does it. */
export function wrote(id: string, sender: string, plain: Record<string, unknown>, type = 'm.room.message'): MatrixEvent {
  const { 'm.relates_to': relation, ...inner } = plain
  const content = { type, plain: inner, ...(relation === undefined ? {} : { 'm.relates_to': relation }) }
  return { event_id: id, room_id: '!room0', sender, type: 'm.room.encrypted', content }
}
export const text = (body: string, more: Record<string, unknown> = {}) => ({ msgtype: 'm.text', body, ...more })
export const answering = (event: string) => ({ 'm.relates_to': { 'm.in_reply_to': { event_id: event } } })

/** What happened on the network and in the room. */
export type Happened = { readonly heard?: readonly InboundEvent[]; readonly posted?: readonly MatrixEvent[] }

/** Starts a bridge on the world, gives it what happened on the network and in the room, and works until all is done or it crashes. */
export async function live(
  world: World,
  happened: Happened,
  options: { hub?: HubPlan; coalesceMs?: number; late?: LateRules; crashAt?: number } = {},
): Promise<readonly string[]> {
  const kit = await openKit(world, options)
  try {
    abandonInterrupted(kit)
    releaseChanged(kit)
    releaseAwoken(kit)
    take(kit, world, happened)
    await work(kit)
  } catch (error) {
    if (!(error instanceof Crash)) throw error
  } finally {
    kit.close()
  }
  return kit.passed
}

/** What the network and the homeserver tell the bridge. */
export function take(kit: Kit, world: World, { heard = [], posted = [] }: Happened): void {
  accept(
    kit,
    heard.map((event) => ({ dedupKey: JSON.stringify(event), raw: JSON.stringify(event) })),
  )
  for (const event of posted) {
    if (!world.posted.includes(event)) world.posted.push(event)
    insertMatrixEvent(kit.store, event.event_id, event.room_id, Buffer.from(JSON.stringify(event)), kit.clock())
  }
}

async function work(kit: Kit): Promise<void> {
  for (let busy = true; busy; ) {
    const [item] = selectNewInbox(kit.store, 0, 1)
    const [event] = selectNewMatrixEvents(kit.store, 0, 1)
    const [part] = selectQueued(kit.store, 0, 1)
    if (item) await applyItem(kit, item)
    if (item) releaseAwoken(kit)
    if (event) await applyMatrixEvent(kit, event.seq, JSON.parse(event.body.toString()) as MatrixEvent)
    if (part) await submit(kit, part.seq)
    const [late] = item || event || part ? [] : selectLateInbox(kit.store, 0, 1)
    if (late) await applyLateItem(kit, late)
    busy = late !== undefined || item !== undefined || event !== undefined || part !== undefined
  }
  expireKept(kit)
  await showStatuses(kit, new AbortController().signal)
}

export const about = (from: Said['chat'], type: 'reaction' | 'edit' | 'deleted', target: string, more: Record<string, unknown> = {}) =>
  ({ ...{ type, account, own: false, chat: from, target }, ...more }) as InboundEvent

/** The reactions that stand in the rooms. */
export function reactionsIn(world: World): string[] {
  const redacted = new Set(world.redactions.map(({ event }) => event))
  return world.events
    .filter(({ id, type }) => type === 'm.reaction' && !redacted.has(id))
    .map(({ sender, clear }) => {
      const relation = clear['m.relates_to'] as Record<string, string>
      return `${sender.endsWith('_bot:hs.test') ? 'bot' : 'ghost'} ${relation['key']} on ${relation['event_id']}`
    })
}
export const reacted = (id: string, sender: string, target: string, key: string): MatrixEvent => ({
  ...{ event_id: id, room_id: '!room0', sender, type: 'm.reaction' },
  content: { 'm.relates_to': { rel_type: 'm.annotation', event_id: target, key } },
})
export const redacted = (id: string, sender: string, target: string): MatrixEvent => ({
  ...{ event_id: id, room_id: '!room0', sender, type: 'm.room.redaction', content: { redacts: target } },
})
export const edited = (id: string, sender: string, target: string, body: string, more: Record<string, unknown> = {}) =>
  wrote(id, sender, {
    ...text(`* ${body}`, more),
    'm.new_content': text(body),
    'm.relates_to': { rel_type: 'm.replace', event_id: target },
  })
