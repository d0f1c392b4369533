import { EventEmitter } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express } from 'express'

/**
 * What matrix-appservice-bridge expects of an AppService, with our own routes: its own answers a transaction before it is stored, knows no to-device
 * events, and refuses large ones. Emits `event` for each event after it was stored.
 */
export class DurableAppService extends EventEmitter {
  readonly app: Express
  onUserQuery: (userId: string) => unknown = () => null
  onAliasQuery: (alias: string) => unknown = () => null
  private server: Server | undefined

  constructor() {
    super()
    this.app = express().disable('x-powered-by')
  }

  get expressApp(): Express {
    return this.app
  }

  /** The port that was taken. */
  get port(): number {
    return (this.server?.address() as AddressInfo | null)?.port ?? 0
  }

  listen(port: number, hostname: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.server = this.app.listen(port, hostname, (error?: Error) => (error ? reject(error) : resolve()))
    return promise
  }

  /** Takes no new request, and ends when those at work are answered. */
  async close(): Promise<void> {
    const { server } = this
    if (!server) return
    const { promise, resolve } = Promise.withResolvers<void>()
    server.close(() => resolve())
    server.closeIdleConnections()
    await promise
  }

  setHomeserverToken(): void {}
}
