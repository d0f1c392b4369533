import { connect } from 'node:net'
import { connect as connectSecurely } from 'node:tls'

/** What came over one connection for bytes that were sent as they are. */
export type RawAnswer = { readonly statuses: readonly number[]; readonly text: string; readonly isClosed: boolean }

const patienceMs = 30_000

/**
 * Sends bytes over a connection of their own (an https URL: whatever its certificate), and waits until the other side closes it: whatever is to be seen
 * of the answers asks for that. Where nobody need close it, `quietMs` says after how long nothing more is expected.
 */
export function sendRaw(url: string, text: string | Buffer, quietMs?: number): Promise<RawAnswer> {
  const { protocol, hostname: host, port } = new URL(url)
  const to = { host, port: Number(port) }
  return new Promise((resolve) => {
    const socket = protocol === 'https:' ? connectSecurely({ ...to, rejectUnauthorized: false }) : connect(to)
    let received = ''
    let timer: NodeJS.Timeout | undefined
    const end = (isClosed: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      const statuses = [...received.matchAll(/(?:^|\r\n|\})HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
      resolve({ statuses, text: received, isClosed })
    }
    const wait = () => {
      clearTimeout(timer)
      timer = setTimeout(() => end(false), quietMs === undefined ? patienceMs : received === '' ? 3000 : quietMs)
    }
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      received += chunk
      wait()
    })
    socket.on('close', () => end(true))
    socket.on('error', () => {})
    wait()
    socket.write(text)
  })
}
