import type { ServerResponse } from 'node:http'
import type { SandboxAccounts } from '../accounts.ts'
import type { Faults } from '../faults.ts'
import type { Serve } from '../graph-server.ts'
import type { World } from '../world.ts'
import { filePath, type StoredFile } from './file-store.ts'

/** Whether a path belongs to the file hosts of the networks. */
export function isFilePath(path: string): boolean {
  return path.startsWith(filePath)
}

/** Serves files under their addresses: WhatsApp's to who shows the access token, the others' to whoever has the address. */
export function createFileServer({ files, accounts }: Pick<World, 'files' | 'accounts'>, faults: Faults): Serve {
  return async (request, response, url) => {
    const file = request.method === 'GET' ? files.resolve(url) : undefined
    if (file === 'expired') return end(response, 403, 'URL signature expired')
    if (!file) return end(response, 404, 'Not Found')
    if (file.network === 'whatsapp' && !mayFetch(request.headers.authorization, accounts)) return end(response, 401, 'Unauthorized')
    const fault = faults.take(file.network, 'download')
    switch (fault?.kind) {
      case undefined:
        return send(response, file, file.bytes)
      case 'corrupt':
        return send(response, file, Buffer.from(file.bytes.map((byte, at) => (at === 0 ? byte ^ 0xff : byte))))
      case 'cut':
        response.writeHead(200, headers(file)).flushHeaders()
        return void response.write(file.bytes.subarray(0, file.bytes.length >> 1), () => response.destroy())
      case 'hang':
        return
      case 'expire':
        return end(response, 403, 'URL signature expired')
      case 'rate_limit':
        return end(response, 429, 'Too Many Requests')
      default:
        return end(response, 502, 'Bad Gateway')
    }
  }
}

function mayFetch(authorization: string | undefined, { whatsapp }: SandboxAccounts): boolean {
  return authorization === `Bearer ${whatsapp.accessToken}`
}

function headers({ mime, bytes }: StoredFile) {
  return { 'content-type': mime, 'content-length': bytes.length }
}

function send(response: ServerResponse, file: StoredFile, bytes: Buffer): void {
  response.writeHead(200, headers(file)).end(bytes)
}

function end(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(words)
}
