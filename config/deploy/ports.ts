import { createServer } from 'node:net'
import { ConfigError } from '../load.ts'
import type { Config, Listener } from '../schema.ts'

/** Throws a ConfigError that says what to do when a port of the server cannot be had. */
export async function checkPortsFree(listeners: readonly Listener[], file: string): Promise<void> {
  for (const { host, port } of listeners) {
    const fault = await tryPort(host, port)
    if (!fault) continue
    const why = fault === 'EADDRINUSE' ? 'is taken: by another program, or by a Tombolo that still runs' : `cannot be used (${fault})`
    const what = `Stop what uses it, or choose another one in ${file}:\n\n  listeners:\n    - port: ${port === 8008 ? 8009 : port + 1}\n`
    throw new ConfigError(`Port ${port} on ${host} ${why}. ${what}`)
  }
}

/** This port where it is free, otherwise any. */
export async function choosePort(wanted: number): Promise<number> {
  if (!(await tryPort('127.0.0.1', wanted))) return wanted
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : wanted
}

/** Where programs on this machine reach the server. */
export function reach({ listeners, public_baseurl }: Config): string {
  const listener = listeners.find(({ serves, tls_certificate }) => serves.includes('client') && !tls_certificate)
  if (!listener) return public_baseurl
  const everywhere = listener.host === '0.0.0.0' || listener.host === '::'
  const host = everywhere ? '127.0.0.1' : listener.host.includes(':') ? `[${listener.host}]` : listener.host
  return `http://${host}:${listener.port}/`
}

function tryPort(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}
