import type { RequestHandler } from 'express'
import type { Kit } from './kit.ts'
import type { MatrixClient } from './matrix/client.ts'

type Checkpoint = Kit['checkpoint']

/** Passes a point when a request to the listener was answered: what the other side now takes for done is on disk. */
export function pointAtAnswers(checkpoint: Checkpoint): RequestHandler {
  return (request, response, next) => {
    response.once('finish', () => checkpoint(request.method === 'PUT' ? 'transaction answered' : 'webhook answered'))
    next()
  }
}

/** Passes a point when the homeserver has done something for us of which nothing is noted here yet. */
export function pointAtCalls(client: MatrixClient, checkpoint: Checkpoint): MatrixClient {
  const after = async <T>(asked: Promise<T>): Promise<T> => {
    const answer = await asked
    checkpoint('homeserver answered')
    return answer
  }
  return {
    botUserId: client.botUserId,
    call: (call) => after(client.call(call)),
    ensureUser: (userId, displayName) => after(client.ensureUser(userId, displayName)),
  }
}
