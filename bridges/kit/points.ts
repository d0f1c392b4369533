import type { RequestHandler } from 'express'
import type { NetworkConnector, Session } from './connector.ts'
import type { Files } from './files.ts'
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
  const pass = () => checkpoint('homeserver answered')
  return {
    botUserId: client.botUserId,
    call: (call) => after(client.call(call), pass),
    ensureUser: (userId, displayName) => after(client.ensureUser(userId, displayName), pass),
  }
}

/** Passes a point when a file was given to the homeserver or taken from it, and no event says so yet. */
export function pointAtFiles(files: Files, checkpoint: Checkpoint): Files {
  return {
    ...files,
    upload: (userId, file, encrypted) => after(files.upload(userId, file, encrypted), () => checkpoint('file uploaded')),
    download: (at) => after(files.download(at), () => checkpoint('file downloaded')),
  }
}

/** Passes a point when the network has begun to give a file, and when it has taken one that nobody there sees yet. */
export function pointAtNetwork(connector: NetworkConnector, checkpoint: Checkpoint): NetworkConnector {
  return { ...connector, open: (secrets) => pointAtSession(connector.open(secrets), checkpoint) }
}

function pointAtSession(session: Session, checkpoint: Checkpoint): Session {
  const { fetchMedia, takeMedia } = session
  return {
    ...session,
    ...(fetchMedia && { fetchMedia: (...of) => after(fetchMedia(...of), () => checkpoint('file opened')) }),
    ...(takeMedia && { takeMedia: (file) => after(takeMedia(file), () => checkpoint('file given')) }),
  }
}

async function after<T>(asked: Promise<T>, pass: () => void): Promise<T> {
  const answer = await asked
  pass()
  return answer
}
