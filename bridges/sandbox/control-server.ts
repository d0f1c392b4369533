import type { ServerResponse } from 'node:http'
import { type SandboxControl, SandboxError } from './control.ts'
import { checkFields, controlRoutes } from './control-routes.ts'
import type { Serve } from './graph-server.ts'
import { readBody } from './read-body.ts'

const prefix = '/_sandbox/'
/** Files of 100 MB, in base64. */
const largestSend = 150 * 1_048_576
const operations = new Map(Object.entries(controlRoutes).map(([name, route]) => [route as string, name as keyof SandboxControl]))

/** Serves the control as JSON over HTTP. Requests of web pages are refused, so that no site can reach into a developer's sandbox. */
export function createControlServer(control: SandboxControl): Serve {
  return async (request, response, url) => {
    const operation = operations.get(`${request.method} ${url.pathname.slice(prefix.length)}`)
    if (request.headers.origin !== undefined) return answer(response, 403, { error: 'not for web pages' })
    if (!operation) return answer(response, 404, { error: 'no such operation' })
    const body = await readBody(request, operation === 'send' ? largestSend : undefined)
    const input = request.method === 'GET' ? Object.fromEntries(url.searchParams) : parse(body)
    const wrong = input === undefined ? 'the body must be JSON' : checkFields(operation, input)
    if (wrong !== undefined) return answer(response, 400, { error: wrong })
    try {
      const perform = control[operation] as (input: unknown) => Promise<unknown>
      answer(response, 200, (await perform(input)) ?? {})
    } catch (error) {
      if (!(error instanceof SandboxError)) throw error
      answer(response, 400, { error: error.message })
    }
  }
}

/** Whether a path belongs to the control rather than to a network. */
export function isControlPath(path: string): boolean {
  return path.startsWith(prefix)
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8') || '{}')
  } catch {
    return undefined
  }
}
