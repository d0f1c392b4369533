import { openSync, writeSync } from 'node:fs'
import { ServerResponse } from 'node:http'
import { join } from 'node:path'

/** An answer as it went out: one line of a recording. A compressed body stands in base64, one that is not JSON is left out. */
export type Recorded = { method: string; url: string; status: number; type: string; coding: string; body: string }

/** Names the folder of the recording to the processes that specs start (see `startProcess`): each loads this file before its own. */
export const recordingFolder = 'SPEC_RECORDED_ANSWERS'

const isMatrix = /^\/(?:_matrix\/(?:client|media)\/|\.well-known\/)/

/** Keeps every answer that this process gives below the client-server API's paths, from now on. A kill loses nothing that was sent. */
export function recordAnswers(folder: string): void {
  let file: number | undefined
  const { end, write } = ServerResponse.prototype
  const written = new WeakMap<ServerResponse, Buffer[]>()
  ServerResponse.prototype.write = function (this: ServerResponse, ...given: unknown[]) {
    const goesOn = (write as (...all: unknown[]) => boolean).apply(this, given)
    if (isJson(this)) written.set(this, [...(written.get(this) ?? []), bytesOf(given[0])])
    return goesOn
  } as typeof write
  ServerResponse.prototype.end = function (this: ServerResponse, ...given: unknown[]) {
    const done = (end as (...all: unknown[]) => ServerResponse).apply(this, given)
    const line = describe(this, Buffer.concat([...(written.get(this) ?? []), bytesOf(given[0])]))
    if (line) {
      file ??= openSync(join(folder, `${process.pid}.jsonl`), 'a', 0o600)
      writeSync(file, `${JSON.stringify(line)}\n`)
    }
    return done
  } as typeof end
}

const bytesOf = (chunk: unknown) => (typeof chunk === 'string' || chunk instanceof Uint8Array ? Buffer.from(chunk) : Buffer.alloc(0))

function describe(response: ServerResponse, data: Buffer): Recorded | undefined {
  const { method = '', url = '', originalUrl = url } = response.req as ServerResponse['req'] & { originalUrl?: string }
  if (!isMatrix.test(originalUrl) || method === 'OPTIONS' || method === 'HEAD') return undefined
  // Every answer of the homeserver may be read by web pages; those of the stand-ins that specs put before it may not.
  if (headerOf(response, 'access-control-allow-origin') === '') return undefined
  const type = headerOf(response, 'content-type')
  const coding = headerOf(response, 'content-encoding')
  const body = isJson(response) ? data.toString(coding === '' ? 'utf8' : 'base64') : ''
  return { method, url: originalUrl, status: response.statusCode, type, coding, body }
}

const isJson = (response: ServerResponse) => headerOf(response, 'content-type').startsWith('application/json')

/** A header as it was sent: a list given to `writeHead` is known to the message's first lines alone. */
function headerOf(response: ServerResponse, name: string): string {
  const lines = (response as unknown as { _header: string | null })._header ?? ''
  return new RegExp(`^${name}: *(.*)$`, 'im').exec(lines)?.[1]?.trim() ?? ''
}

const folder = process.env[recordingFolder]
if (folder !== undefined) recordAnswers(folder)
