import { readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import { freePort } from '../processes.ts'

export type Files = { readonly certificate: string; readonly key: string }

/** Listens under a certificate at an address that stays its own, also while it is down. */
export type TlsServer = { readonly port: () => number; readonly up: () => Promise<void>; readonly down: () => Promise<void> }

export function tlsServer({ certificate, key }: Files, listener: RequestListener): TlsServer {
  const tls = { cert: readFileSync(certificate), key: readFileSync(key) }
  let server: Server | undefined
  let port = 0
  return {
    port: () => port,
    up: async () => {
      if (server !== undefined) return
      const starting = createServer(tls, listener)
      server = starting
      // One that no system hands out by itself: nobody takes it while this is down.
      if (port === 0) port = await freePort()
      await new Promise<void>((resolve, reject) => starting.once('error', reject).listen(port, '127.0.0.1', resolve))
    },
    down: async () => {
      const ending = server
      server = undefined
      if (ending === undefined) return
      const ended = new Promise((resolve) => ending.close(resolve))
      ending.closeAllConnections()
      await ended
    },
  }
}
