import { connect, createServer, type Socket } from 'node:net'

/** How a way is closed: connections are refused, or taken and never answered, as when packets are lost. */
export type Cut = 'refused' | 'silent'

/** The way of one process to another: it can be cut, and everything on it with it. */
export type Relay = {
  readonly port: number
  /** Until it is open again. What is on its way ends half-way, or never. */
  readonly cut: (how: Cut) => void
  readonly open: () => void
  readonly close: () => Promise<void>
}

/** A way to a port of this machine, from a port of its own or one that is wished. */
export async function startRelay(target: number, at = 0): Promise<Relay> {
  const pairs = new Set<readonly Socket[]>()
  let cut: Cut | undefined
  const end = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }
  const server = createServer((from) => {
    if (cut === 'refused') return void from.destroy()
    const to = cut === 'silent' ? undefined : connect(target, '127.0.0.1')
    const pair = to === undefined ? [from] : [from, to]
    pairs.add(pair)
    const close = () => {
      pairs.delete(pair)
      for (const socket of pair) socket.destroy()
    }
    for (const socket of pair) socket.on('error', close).on('close', close)
    if (to === undefined) from.pause()
    else from.pipe(to).pipe(from)
  })
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    cut: (how) => {
      cut = how
      if (how === 'refused') end()
      else for (const pair of pairs) for (const socket of pair) socket.unpipe().pause()
    },
    open: () => {
      cut = undefined
      end()
    },
    close: async () => {
      end()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
