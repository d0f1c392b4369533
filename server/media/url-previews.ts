import { createHash } from 'node:crypto'
import { invalidParam, MatrixError } from '../core/matrix-error.ts'
import { createFewAtATime } from '../remote/few-at-a-time.ts'
import { write } from '../storage/database.ts'
import { describePage, type PreviewTools } from './describe-page.ts'
import { fetchFollowing } from './fetch-page.ts'
import { createRecentFailures } from './recent-failures.ts'
import { insertPreview, selectPreview } from './url-previews.store.ts'

export type UrlPreviews = {
  /**
   * What a page tells of itself, as JSON: as it was told by `at` when that is known, else as it is now. Throws 400 for what is no address of
   * the web, 502 for a page that cannot be had (whatever the reason: nobody is to map our network with this), 429 when too many wait.
   * https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediapreview_url
   */
  readonly preview: (url: string, at: number | undefined) => Promise<string>
}

const patience = 15_000
const failureTime = 60_000
const mostFailures = 1000
const [shortest, usual, longest] = [10 * 60_000, 60 * 60_000, 24 * 60 * 60_000]
const asksForPage = {
  Accept: 'text/html,application/xhtml+xml;q=0.9,image/*;q=0.8,*/*;q=0.1',
  'Accept-Encoding': 'gzip, deflate, br',
  'Accept-Language': 'en;q=0.9,*;q=0.1',
}

/** Asks each page once for all who want to know at one time. Few pages are fetched at a time: each holds a connection, and perhaps a picture. */
export function createUrlPreviews(tools: PreviewTools): UrlPreviews {
  const { database, clock } = tools.home
  const running = new Map<string, Promise<string>>()
  const failures = createRecentFailures<true>(clock, failureTime, mostFailures)
  const few = createFewAtATime(8, 100)

  async function find(urlHash: string, moment: number): Promise<string | undefined> {
    const known = await database.selectOne(selectPreview, urlHash, moment)
    return known && known.expires_at > moment ? known.body : undefined
  }

  async function build(url: string, urlHash: string): Promise<string> {
    const deadline = AbortSignal.timeout(patience)
    const page = await fetchFollowing(tools.home, url, { headers: asksForPage, deadline })
    if (!page) {
      failures.add(urlHash, true)
      throw unavailable()
    }
    const { properties, mediaId, writes } = await describePage(tools, page, deadline)
    const body = JSON.stringify(properties)
    const now = clock.now()
    const expiresAt = now + lifetimeOf(page.cacheControl)
    await database.commit({ writes: [...writes, write(insertPreview, urlHash, now, expiresAt, body, mediaId)] })
    return body
  }

  return {
    async preview(address, at) {
      const url = readAddress(address)
      const urlHash = createHash('sha256').update(url).digest('hex')
      const now = clock.now()
      const moment = Math.min(at ?? now, now)
      const known = await find(urlHash, moment)
      if (known !== undefined) return known
      if (failures.of(urlHash)) throw unavailable()
      // Whoever looked a moment too early finds what others have asked for since.
      const ask = async () => (await find(urlHash, clock.now())) ?? build(url, urlHash)
      const asked = running.get(urlHash) ?? few(ask).finally(() => running.delete(urlHash))
      running.set(urlHash, asked)
      return asked
    },
  }
}

/** As long as the page's server says that it stays the same, within bounds. */
function lifetimeOf(cacheControl: string): number {
  const told = /(?:^|[\s,])max-age=(\d{1,9})/i.exec(cacheControl)?.[1]
  return told === undefined ? usual : Math.min(longest, Math.max(shortest, Number(told) * 1000))
}

/** An address without what the page's server never sees of it. */
function readAddress(address: string): string {
  const url = address.length <= 2048 && URL.canParse(address) ? new URL(address) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) throw invalidParam('this is no address of a web page')
  url.hash = ''
  return url.href
}

function unavailable(): MatrixError {
  return new MatrixError(502, 'M_UNKNOWN', 'the page could not be fetched')
}
