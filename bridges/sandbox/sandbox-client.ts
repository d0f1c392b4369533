import { type SandboxControl, SandboxError } from './control.ts'
import { controlRoutes } from './control-routes.ts'

/** The control of a sandbox in another process, at its URL. What it refuses is a SandboxError with its words. */
export function createSandboxClient(url: string): SandboxControl {
  const perform = async (route: string, input: object = {}): Promise<unknown> => {
    const [method, path] = route.split(' ') as [string, string]
    const query = method === 'GET' ? `?${new URLSearchParams(input as Record<string, string>)}` : ''
    const body = method === 'GET' ? {} : { body: JSON.stringify(input), headers: { 'content-type': 'application/json' } }
    const reply = await fetch(`${url}/_sandbox/${path}${query}`, { method, ...body })
    const answer = (await reply.json()) as { error?: string }
    if (!reply.ok) throw new SandboxError(answer.error ?? `the sandbox answered ${reply.status}`)
    return answer
  }
  const bound = Object.entries(controlRoutes).map(([name, route]) => [name, (input?: object) => perform(route, input)])
  return Object.fromEntries(bound) as SandboxControl
}
