import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

/** What lies between a server's address and the server: it can be cut and mended. */
export type Cable = { readonly port: number; cut(): void; mend(): void }

/** Takes connections at a port of its own and hands their bytes to another; while it is cut, those there are end, and new ones are refused at once. */
export async function layCable(to: number): Promise<Cable> {
  const sockets = new Set<Socket>()
  let whole = true
  const hold = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
  }
  const server = createServer((near) => {
    if (!whole) return void near.destroy()
    const far = connect(to, '127.0.0.1')
    hold(near)
    hold(far)
    near.pipe(far).pipe(near)
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const end = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      whole = false
      end()
    },
    mend() {
      whole = true
    },
  }
}
