import { isServerName } from '../core/ids.ts'
import { isJsonObject } from '../core/json.ts'
import { parseStrict } from '../core/lossless-json.ts'
import type { Answer, Egress, Failure } from './egress.ts'

/** What `/.well-known/matrix/server` of a hostname says. https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver */
export type WellKnown = {
  /** Answers are kept as long as they ask for, errors up to an hour. */
  readonly delegated: (hostname: string) => Promise<Delegation>
}
/** The delegated server name, or undefined where none is known; `isSure` is false where nobody could be asked whether there is one. */
export type Delegation = { readonly to: string | undefined; readonly isSure: boolean }

type Kept = Delegation & { readonly until: number; readonly goodUntil: number; readonly failures: number }

const minute = 60_000
const usually = 24 * 60 * minute
const shortest = 5 * minute
const longest = 48 * 60 * minute
const firstBackOff = minute
const longestBackOff = 60 * minute
const mostRedirects = 5
const mostBytes = 50 * 1024
const mostKept = 10_000

/** Asks and remembers, one request a hostname at a time. */
export function createWellKnown(tools: {
  readonly egress: Pick<Egress, 'request'>
  readonly clock: { now(): number }
  readonly allowPrivate: boolean
}): WellKnown {
  const known = new Map<string, Kept>()
  const asking = new Map<string, Promise<Delegation>>()

  async function ask(hostname: string): Promise<Delegation> {
    const answer = await fetchFollowing(tools, `https://${hostname}/.well-known/matrix/server`)
    const now = tools.clock.now()
    const said = readAnswer(answer)
    const before = known.get(hostname)
    const kept: Kept =
      said === undefined
        ? afterFailure(before, now, isTold(answer))
        : { to: said.to, isSure: true, until: now + said.keep, goodUntil: now + longest, failures: 0 }
    known.delete(hostname)
    known.set(hostname, kept)
    if (known.size > mostKept) known.delete(known.keys().next().value as string)
    return kept
  }

  return {
    delegated: (hostname) => {
      const kept = known.get(hostname)
      if (kept !== undefined && tools.clock.now() < kept.until) return Promise.resolve(kept)
      const asked = asking.get(hostname) ?? ask(hostname).finally(() => asking.delete(hostname))
      asking.set(hostname, asked)
      return asked
    },
  }
}

/** "Errors are recommended to be cached for up to an hour"; what was good before is held on to for as long as an answer may be kept at all. */
function afterFailure(before: Kept | undefined, now: number, isTold: boolean): Kept {
  const failures = (before?.failures ?? 0) + 1
  const until = now + Math.min(firstBackOff * 2 ** Math.min(failures - 1, 10), longestBackOff)
  const isGood = before?.to !== undefined && now < before.goodUntil
  return { to: isGood ? before.to : undefined, isSure: isGood || isTold, until, goodUntil: isGood ? before.goodUntil : 0, failures }
}

/** Whether there is no delegation by what was answered, rather than no answer of one who would know. */
function isTold(answer: Answer<Buffer> | Failure): boolean {
  return answer.ok ? answer.status < 500 : answer.reason !== 'unreachable' && answer.reason !== 'timeout'
}

function readAnswer(answer: Answer<Buffer> | Failure): { to: string; keep: number } | undefined {
  if (!answer.ok || answer.status !== 200) return undefined
  const to = parse(answer.body)
  return isServerName(to) ? { to, keep: keepFor(answer.headers) } : undefined
}

function parse(body: Buffer): unknown {
  try {
    const said = parseStrict(body)
    return isJsonObject(said) ? said['m.server'] : undefined
  } catch {
    return undefined
  }
}

/** Milliseconds that an answer is kept, as its headers ask, within bounds. */
function keepFor(headers: Answer<unknown>['headers']): number {
  const control = String(headers['cache-control'] ?? '').toLowerCase()
  const seconds = /(?:^|[\s,])max-age\s*=\s*"?(\d{1,12})/.exec(control)?.[1]
  const expires =
    headers['expires'] === undefined ? Number.NaN : Date.parse(String(headers['expires'])) - Date.parse(String(headers['date']))
  const asked = /no-(?:store|cache)/.test(control) ? 0 : seconds !== undefined ? Number(seconds) * 1000 : expires
  return Number.isNaN(asked) ? usually : Math.min(Math.max(asked, shortest), longest)
}

/** "30x redirects should be followed, however redirection loops should be avoided." Each target is checked as the first one was, and stays with HTTPS; all of them have one time. */
export async function fetchFollowing(
  { egress, allowPrivate }: { readonly egress: Pick<Egress, 'request'>; readonly allowPrivate: boolean },
  first: string,
  timeoutMs = 15_000,
): Promise<Answer<Buffer> | Failure> {
  const began = performance.now()
  let url = first
  for (let redirects = 0; ; redirects++) {
    const left = Math.max(1, Math.ceil(timeoutMs - (performance.now() - began)))
    const answer = await egress.request({ url, limit: mostBytes, timeoutMs: left, allowPrivate })
    const location = answer.ok && isRedirect(answer.status) ? answer.headers['location'] : undefined
    if (location === undefined || redirects === mostRedirects) return answer
    const next = URL.canParse(String(location), url) ? new URL(String(location), url) : undefined
    if (next?.protocol !== 'https:') return { ok: false, reason: 'forbidden', words: 'the redirect leads away from HTTPS' }
    url = next.href
  }
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}
