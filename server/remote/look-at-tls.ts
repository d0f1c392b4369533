import { isIP, type LookupFunction } from 'node:net'
import { checkServerIdentity, connect, type PeerCertificate, type TLSSocket } from 'node:tls'
import { type Dialing, routeOf } from './dialing.ts'
import { failureWords } from './failure-words.ts'

/** How a place speaks TLS, whether or not it is to be believed. */
export type TlsLook = {
  readonly ok: true
  readonly protocol: string
  /** Why its certificate is not believed; undefined for one that is. */
  readonly fault: string | undefined
  readonly isForName: boolean
  readonly names: readonly string[]
  readonly issuer: string
  readonly from: number
  readonly until: number
}
/** `port`: nobody answers there. `tls`: somebody does, and does not speak TLS. */
export type TlsFailure = { readonly ok: false; readonly at: 'port' | 'tls'; readonly words: string }

type Asked = {
  readonly hostname: string
  readonly port: number
  /** The name that the certificate has to be for. */
  readonly name: string
  readonly ca: string[] | undefined
  readonly dialing: Dialing
  readonly timeoutMs: number
}

/** Opens a connection, looks at the certificate, and closes it: nothing is asked over it. Never throws. */
export function lookAtTls({ hostname, port, name, ca, dialing, timeoutMs }: Asked): Promise<TlsLook | TlsFailure> {
  const to = routeOf(dialing, hostname, port)
  const bareName = name.replace(/^\[|\]$/g, '')
  return new Promise((resolve) => {
    let isConnected = false
    const socket = connect({
      host: to.hostname,
      port: to.port,
      ...(isIP(bareName) ? {} : { servername: bareName }),
      ...(ca ? { ca } : {}),
      ...(dialing.lookup ? { lookup: dialing.lookup as LookupFunction } : {}),
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: false,
    })
    const end = (found: TlsLook | TlsFailure) => {
      clearTimeout(late)
      socket.destroy()
      resolve(found)
    }
    const fail = (code: unknown) => end({ ok: false, at: isConnected ? 'tls' : 'port', words: failureWords(code) })
    const late = setTimeout(() => fail('ETIMEDOUT'), timeoutMs)
    socket.once('connect', () => {
      isConnected = true
    })
    socket.once('error', (error: NodeJS.ErrnoException) => fail(error.code))
    socket.once('close', () => fail('ECONNRESET'))
    socket.once('secureConnect', () => end(described(socket, bareName)))
  })
}

function described(socket: TLSSocket, name: string): TlsLook {
  const certificate = socket.getPeerCertificate()
  const fault: unknown = socket.authorized ? undefined : socket.authorizationError
  return {
    ok: true,
    protocol: socket.getProtocol() ?? '',
    fault: fault === undefined || fault === null ? undefined : codeOf(fault),
    isForName: checkServerIdentity(name, certificate) === undefined,
    names: namesOf(certificate),
    issuer: [certificate.issuer?.O, certificate.issuer?.CN].flat().filter(Boolean).join(', ').slice(0, 100),
    from: Date.parse(certificate.valid_from),
    until: Date.parse(certificate.valid_to),
  }
}

function codeOf(fault: unknown): string {
  const code = (fault as { code?: unknown }).code
  return typeof code === 'string' ? code : String(fault)
}

function namesOf({ subjectaltname: names = '' }: PeerCertificate): string[] {
  return names
    .split(', ')
    .map((one) => one.replace(/^(?:DNS|IP Address):/, ''))
    .filter((one) => one !== '')
    .slice(0, 20)
}
