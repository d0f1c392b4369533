import { MediaFailure } from './failure.ts'
import { askHomeserver, type MediaHomeserver } from './homeserver-request.ts'
import { type Incoming, incomingOf } from './incoming.ts'

export type Download = {
  readonly mxc: string
  /** On whose behalf; the bot's without. */
  readonly userId?: string
  /** Bytes that are read at most. */
  readonly limit: number
  /** For all of it; 5 minutes unless told. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

const usualTimeout = 300_000
const mxcGrammar = /^mxc:\/\/([^/?#\s]{1,255})\/([\w-]{1,255})$/

/**
 * Asks the homeserver for a file. A question has no effect, so it is asked again while the homeserver is away, busy or starting; once bytes came, what breaks
 * is told by the stream. Fails with a MediaFailure. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediadownloadservernamemediaid
 */
export async function downloadMedia(homeserver: MediaHomeserver, download: Download): Promise<Incoming> {
  const { mxc, userId, limit, timeoutMs = usualTimeout, signal } = download
  const [, serverName, mediaId] = mxcGrammar.exec(mxc) ?? []
  if (serverName === undefined || mediaId === undefined) throw new MediaFailure('refused', 'That is no address of a file.')
  const answer = await askHomeserver(homeserver, {
    method: 'GET',
    path: `/_matrix/client/v1/media/download/${encodeURIComponent(serverName)}/${mediaId}`,
    query: userId === undefined ? {} : { user_id: userId },
    headers: {},
    repeatAfter: [429, 502, 503, 504],
    timeoutMs,
    signal,
  })
  return incomingOf(answer, limit)
}
