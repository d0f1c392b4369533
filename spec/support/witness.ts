import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An application service that is shown everything a homeserver shows to one: it keeps what it was sent, as it came. */
export type Witness = {
  readonly registration: object
  /** Every request: its line and headers, and its body. */
  heard(): Buffer
  close(): Promise<void>
}

export async function openWitness(): Promise<Witness> {
  const heard: Buffer[] = []
  const server = createServer((request, response) => {
    heard.push(Buffer.from(`${request.method} ${request.url}\n${request.rawHeaders.join('\n')}\n`))
    request.on('data', (bytes: Buffer) => heard.push(bytes))
    request.on('end', () => response.setHeader('content-type', 'application/json').end('{}'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const everything = [{ exclusive: false, regex: '.*' }]
  return {
    registration: {
      id: 'witness',
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      as_token: 'the witness speaks',
      hs_token: 'the witness hears',
      sender_localpart: 'witness',
      namespaces: { users: everything, rooms: everything, aliases: everything },
      receive_ephemeral: true,
      rate_limited: false,
    },
    heard: () => Buffer.concat(heard),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
