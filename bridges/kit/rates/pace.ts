import type { Rate } from '../connector.ts'
import { Paced } from '../feed.ts'
import type { Kit } from '../kit.ts'
import type { OutboxRow } from '../store/outbox.store.ts'
import type { PortalRow } from '../store/portals.store.ts'
import { putFullAt, selectFullAt } from '../store/rates.store.ts'
import type { Store } from '../store/store.ts'

type PaceKit = Pick<Kit, 'store' | 'clock' | 'connector'>
type Sending = Pick<PortalRow, 'portal' | 'login'> & Pick<OutboxRow, 'kind'>
type Bucket = { readonly name: string; readonly rate: Rate | undefined }

/** What a send is taken from: what the network takes for one person, what it takes from one account, and what of files. */
function bucketsOf({ connector }: PaceKit, { portal, login, kind }: Sending): { name: string; rate: Rate }[] {
  const { chat, account, files } = connector.rates ?? {}
  const buckets: Bucket[] = [
    { name: `chat ${portal}`, rate: chat },
    { name: `account ${login}`, rate: account },
    { name: `files ${login}`, rate: kind === 'media' ? files : undefined },
  ]
  return buckets.flatMap(({ name, rate }) => (rate ? [{ name, rate: withReserve(rate) }] : []))
}

/** What is sent in good time may come a little early after what took long on its way: one less is sent ahead. */
function withReserve({ burst, everyMs }: Rate): Rate {
  return { burst: Math.max(1, burst - 1), everyMs }
}

/** How fast one person is sent to. */
export function chatRate({ connector }: Pick<Kit, 'connector'>): Rate | undefined {
  return connector.rates?.chat && withReserve(connector.rates.chat)
}

/** How long a bucket that is full again at a time has nothing for one more. A clock that was set back never makes it longer than an empty bucket takes. */
export function waitMs({ burst, everyMs }: Rate, fullAt: number, now: number): number {
  const used = Math.min(Math.max(fullAt - now, 0), burst * everyMs)
  return Math.max(0, used + everyMs - burst * everyMs)
}

/** Throws `Paced` while the network would refuse one more message to a chat. Those that wait for one bucket are told different times. */
export function checkPace(kit: PaceKit, sending: Sending): void {
  const now = kit.clock()
  let until = now
  for (const { name, rate } of bucketsOf(kit, sending)) {
    const wait = waitMs(rate, fullAtOf(kit.store, name, rate, now), now)
    if (wait > 0) until = Math.max(until, reserve(kit.store, name, { at: now + wait, now }, rate))
  }
  if (until > now) throw new Paced('no faster than the network takes it', until - now)
}

/** When a bucket is full again. Noted anew where a clock that was set back put that further off than it takes an empty one: the time runs from here. */
function fullAtOf(store: Store, name: string, { burst, everyMs }: Rate, now: number): number {
  const fullAt = selectFullAt(store, name) ?? now
  const latest = now + burst * everyMs
  if (fullAt <= latest) return fullAt
  putFullAt(store, name, latest)
  return latest
}

/** The times that were told, by bucket, and when the last one was. */
type Reserved = { now: number; readonly times: Map<string, number> }
const reserved = new WeakMap<Store, Reserved>()

/** Who waits for a chat's own bucket waits alone. What was told before a clock was set back counts no more. */
function reserve(store: Store, name: string, { at, now }: { at: number; now: number }, { everyMs }: Rate): number {
  if (name.startsWith('chat ')) return at
  const told = reserved.get(store) ?? { now, times: new Map<string, number>() }
  reserved.set(store, told)
  if (now < told.now) told.times.clear()
  told.now = now
  const time = Math.max(at, (told.times.get(name) ?? 0) + everyMs)
  told.times.set(name, time)
  return time
}

/** Notes that one message goes to a chat. In the transaction that notes the send. */
export function countSend(kit: PaceKit, sending: Sending): void {
  const now = kit.clock()
  for (const { name, rate } of bucketsOf(kit, sending)) {
    const used = Math.min(Math.max((selectFullAt(kit.store, name) ?? now) - now, 0), (rate.burst - 1) * rate.everyMs)
    putFullAt(kit.store, name, now + used + rate.everyMs)
  }
}

/** The network says that a person gets too much: nothing is left of what was thought to be. */
export function emptyChat(kit: PaceKit, { portal }: Pick<PortalRow, 'portal'>): void {
  const chat = chatRate(kit)
  if (chat) putFullAt(kit.store, `chat ${portal}`, kit.clock() + chat.burst * chat.everyMs)
}
