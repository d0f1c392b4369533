import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { removeFolder, temporaryFolder } from '../processes.ts'
import { checkRecording } from './check.ts'
import type { Recorded } from './record.ts'

const room = `openapi: 3.1.0
servers: [{ url: "{basePath}", variables: { basePath: { default: /_matrix/client/v3 } } }]
paths:
  /rooms/{roomId}/thing/{name}:
    get:
      operationId: getThing
      responses:
        "200": { content: { application/json: { schema: { $ref: definitions/thing.yaml } } } }
        "429": { $ref: "#/components/responses/later" }
  /rooms/{roomId}/thing/mine:
    get:
      operationId: getMine
      responses: { "200": { content: { application/json: { schema: { type: object, required: [mine] } } } } }
components:
  responses:
    later: { content: { application/json: { schema: { properties: { retry_after_ms: { type: integer } } } } } }
`
const files = {
  'room.yaml': room,
  'definitions/thing.yaml': 'type: object\nproperties: { parts: { type: array, items: { $ref: part.yaml } } }\n',
  'definitions/part.yaml': 'type: object\nproperties: { sender: { type: string, format: mx-user-id } }\nrequired: [sender]\n',
  'definitions/errors/error.yaml': 'type: object\nproperties: { errcode: { type: string } }\nrequired: [errcode]\n',
}

describe('the check of answers against schemas', () => {
  let folder: string
  before(() => {
    folder = temporaryFolder()
    for (const [name, text] of Object.entries(files)) {
      const path = join(folder, 'data/api/client-server', name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text)
    }
  })
  after(() => removeFolder(folder))

  async function violations(answer: Partial<Recorded> & { value?: unknown }): Promise<readonly string[]> {
    const recording = join(folder, 'recording')
    mkdirSync(recording, { recursive: true })
    const { value, ...fields } = answer
    const body = JSON.stringify(value)
    const url = '/_matrix/client/v3/rooms/!a/thing/x?y=1'
    const line: Recorded = { method: 'GET', url, status: 200, type: 'application/json', coding: '', body, ...fields }
    writeFileSync(join(recording, '1.jsonl'), `${JSON.stringify(line)}\n{"half a li`)
    const checked = await checkRecording(recording, join(folder, 'data'))
    expect(checked.answers).to.equal(1)
    return checked.violations.map((one) => one.split('\n')[0] ?? '')
  }

  it('lets pass what fits, compressed or not', async () => {
    const value = { parts: [{ sender: '@a:b' }] }
    expect(await violations({ value })).to.deep.equal([])
    const body = gzipSync(JSON.stringify({ parts: [{}] })).toString('base64')
    expect(await violations({ coding: 'gzip', body })).to.have.length(1)
  })

  it('finds what is wrong through references to other files, and says where', async () => {
    const wrong = await violations({ value: { parts: [{ sender: '@a:b' }, { sender: 'a' }, {}] } })
    expect(wrong).to.deep.equal([
      "getThing 200 /parts/* must have required property 'sender' (1 times)",
      'getThing 200 /parts/*/sender must match format "mx-user-id" (1 times)',
    ])
  })

  it('takes a path of words before one of parameters', async () => {
    const url = '/_matrix/client/v3/rooms/!a/thing/mine'
    expect(await violations({ url, value: {} })).to.deep.equal(["getMine 200 it must have required property 'mine' (1 times)"])
  })

  it('holds every error against the general form, and against its own where there is one', async () => {
    expect(await violations({ status: 404, value: { errcode: 'M_NOT_FOUND' } })).to.deep.equal([])
    expect(await violations({ status: 404, value: {} })).to.deep.equal(["getThing 404 it must have required property 'errcode' (1 times)"])
    expect(await violations({ status: 429, value: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: '1' } })).to.deep.equal([
      'getThing 429 /retry_after_ms must be integer (1 times)',
    ])
    const elsewhere = { url: '/_matrix/client/unstable/x', status: 400, value: [] }
    expect(await violations(elsewhere)).to.deep.equal(['GET 400 it must be object (1 times)'])
  })

  it('finds a success that the specification does not know', async () => {
    expect(await violations({ status: 201, value: {} })).to.deep.equal([
      'getThing 201 is a status that the specification does not know here (1 times)',
    ])
    expect(await violations({ url: '/_matrix/client/unstable/x', status: 201, value: {} })).to.deep.equal([])
  })

  it('finds what is not JSON', async () => {
    expect(await violations({ body: '{' })).to.deep.equal(['getThing 200 is no JSON (1 times)'])
    expect(await violations({ type: 'text/html', body: '' })).to.deep.equal(['getThing 200 is text/html, not JSON (1 times)'])
  })
})
