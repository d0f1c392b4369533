import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'

/** Names the file with the `World` of a process to it; it is read at the start, and again at SIGUSR2. */
export const worldFile = 'SPEC_WORLD'

/** What a process finds outside: how far its clock is off, and which port stands for which. */
export type World = { readonly skewMs: number; readonly ports: Readonly<Record<string, number>> }

const file = process.env[worldFile]
if (file !== undefined) liveIn(file)

function liveIn(path: string): void {
  let world: World = { skewMs: 0, ports: {} }
  const read = () => {
    world = JSON.parse(readFileSync(path, 'utf8')) as World
  }
  read()
  process.on('SIGUSR2', read)
  const { now } = Date
  Date.now = () => now() + world.skewMs
  const { connect } = Socket.prototype
  Socket.prototype.connect = function (this: Socket, ...given: unknown[]) {
    // What Node hands on inside itself is a list of its own around the options.
    const options = (Array.isArray(given[0]) ? given[0][0] : given[0]) as { port?: number | string } | undefined
    const port = typeof options === 'object' ? world.ports[`${options?.port}`] : undefined
    if (port !== undefined && options !== undefined) options.port = port
    return (connect as (...all: unknown[]) => Socket).apply(this, given)
  } as typeof connect
}
