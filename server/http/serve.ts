import type { IncomingMessage, ServerResponse } from 'node:http'
import { unrecognized } from '../core/matrix-error.ts'
import type { Serve } from './listen.ts'
import type { Mounted } from './mount.ts'
import { sendError, shown } from './reply.ts'

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Who answers a request: the endpoints first, found without express, since its routers would cost more than the rest of a request; then `pages`, which are
 * loaded when the first of them is asked for.
 */
export function serveWith(mounted: Mounted, pages: () => Promise<Answer>): Serve {
  let loaded: Promise<Answer> | undefined
  return (request, response, areas) => {
    if (mounted.dispatch(request, response, areas)) return
    if (!areas.has('client') || (request.url!.startsWith('/_tombolo/') && !areas.has('admin'))) {
      sendError(response, unrecognized())
      return
    }
    loaded ??= pages()
    loaded.then(
      (answer) => answer(request, response),
      (error: unknown) => sendError(response, shown(error)),
    )
  }
}
