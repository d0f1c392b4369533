import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { removeFolder, temporaryFolder } from '../processes.ts'
import { type Facts, readHouse } from './facts.ts'
import { checkCycles, checkFloors } from './floors.ts'
import { checkPurity } from './purity.ts'
import { checkSigners } from './signers.ts'
import { checkManners, checkSizes } from './sizes.ts'
import { checkTables, isSql, tablesOf } from './tables.ts'

/** A house of its own for each story: paths and what stands there. */
function build(files: Record<string, string>): Facts[] {
  const folder = realpathSync(temporaryFolder('tombolo-house'))
  const options = { noLib: true, types: [], module: 'nodenext', allowImportingTsExtensions: true, noEmit: true }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, include: ['server', 'bridges', 'config', 'spec'] }),
  )
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  const house = readHouse(folder)
  removeFolder(folder)
  return house
}

const importing = (path: string) => `import { x } from '${path}'\nexport const y = x\n`
const lines = (count: number, inside = '  x()') => `${inside}\n`.repeat(count)

describe('the rules of the house', () => {
  const floors: [path: string, imported: string, words: string][] = [
    ['server/core/ids.ts', '../storage/database.ts', 'imports run downwards'],
    ['server/storage/database.ts', '../http/mount.ts', 'imports run downwards'],
    ['server/remote/egress.ts', '../http/mount.ts', 'imports run downwards'],
    ['server/people/accounts.ts', '../graph/room.ts', 'stand on one floor'],
    ['server/home.ts', './people/accounts.ts', 'imports run downwards'],
    ['server/typing/typing.ts', '../receipts/receipts.ts', 'a slice never imports a slice'],
    ['server/typing/typing.ts', '../homeserver.ts', 'imports run downwards'],
    ['server/graph/room.ts', '../typing/typing.ts', 'imports run downwards'],
    ['server/graph/room.ts', '../../bridges/main.ts', 'speak HTTP'],
    ['bridges/kit/portal.ts', '../../server/core/ids.ts', 'speak HTTP'],
    ['bridges/kit/portal.ts', '../protocols/graph/client.ts', 'the kit knows no protocols'],
    ['bridges/kit/portal.ts', '../whatsapp/session.ts', 'the kit knows no connector'],
    ['bridges/protocols/graph/client.ts', '../../kit/portal.ts', 'know a network and no Matrix'],
    ['bridges/whatsapp/session.ts', '../messenger/session.ts', 'a connector knows kit and protocols'],
    ['bridges/sandbox/main.ts', '../kit/portal.ts', 'stands in for the networks'],
    ['config/load.ts', '../server/core/ids.ts', 'lies below floor 0'],
    ['server/graph/room.ts', '../../spec/support/house.ts', 'nothing outside spec/'],
    ['server/graph/room.ts', 'postgres', 'only server/storage/ may'],
    ['bridges/kit/portal.ts', '@matrix-org/olm', 'only bridges/kit/crypto/ may'],
    ['server/sync/sync.ts', 'matrix-js-sdk/lib/client.js', 'that is for specs'],
  ]
  for (const [path, imported, words] of floors) {
    it(`do not let ${path} import ${imported}`, () => {
      const [fault, ...more] = checkFloors(build({ [path]: importing(imported) }))
      expect(fault)
        .to.match(new RegExp(`^${path}:1 imports `))
        .and.contain(words)
      expect(more).to.deep.equal([])
    })
  }

  it('let imports run downwards', () => {
    const house = build({
      'server/typing/typing.client.ts': importing('./typing.ts') + "import type { z } from '../graph/room.ts'\nexport type Z = typeof z\n",
      'server/http/server-auth.ts': importing('../remote/key-ring.ts'),
      'server/main.ts': importing('./homeserver.ts'),
      'server/homeserver.ts': importing('./typing/index.ts'),
      'server/home.ts': importing('../config/schema.ts'),
      'bridges/whatsapp/session.ts':
        importing('../kit/connector.ts') + importing('../protocols/graph/client.ts').replaceAll(/\b[xy]\b/g, 'z'),
      'spec/server/typing/typing.spec.ts': importing('../../../server/typing/typing.ts'),
    })
    expect(checkFloors(house)).to.deep.equal([])
  })

  it('find a ring of imports, through types and dynamic imports too', () => {
    const house = build({
      'server/core/a.ts': importing('./b.ts'),
      'server/core/b.ts': "import type { y } from './c.ts'\nexport type B = typeof y\n",
      'server/core/c.ts': "export const y = await import('./a.ts')\n",
    })
    expect(checkCycles(house)).to.deep.equal([
      'server/core/a.ts → server/core/b.ts → server/core/c.ts → server/core/a.ts: files import each other in a ring; move what they share into a file of its own',
    ])
  })

  it('keep core pure', () => {
    const impure = [
      "import { readFileSync } from 'node:fs'",
      "import { createHash, randomBytes } from 'node:crypto'",
      "import sodium from 'sodium-native'",
      'export const a = [Date.now(), Math.random(), new Date(), process.env, fetch, readFileSync, createHash, randomBytes, sodium]',
      'console.log(a)',
      'export const fine = [new Date(5), { console: 1 }.console, Math.max(1)]',
    ]
    const faults = checkPurity(build({ 'server/core/ids.ts': impure.join('\n'), 'server/people/ids.ts': impure.join('\n') }))
    const found = faults.map((fault) => / (?:uses|imports) (.+?): core /.exec(fault)?.[1])
    expect(found).to.include.members([
      'node:fs',
      'randomBytes',
      'sodium-native',
      'Date.now',
      'Math.random',
      'new Date()',
      'process.env',
      'fetch',
      'console',
    ])
    expect(faults.every((fault) => /^server\/core\/ids\.ts:[1-5] /.test(fault))).to.equal(true)
    expect(
      checkPurity(build({ 'server/core/signatures.ts': "import sodium from 'sodium-native'\nexport const a = sodium\n" })),
    ).to.deep.equal([])
  })

  it('know the tables that a statement names', () => {
    expect(tablesOf('SELECT a.x FROM rooms AS a, events e JOIN json_each(?) AS j ON true LEFT JOIN memberships m ON 1=1')).to.have.members([
      'rooms',
      'events',
      'memberships',
    ])
    expect(
      tablesOf('WITH RECURSIVE up(id) AS (SELECT 1 UNION SELECT id FROM edges), two AS (SELECT 2) SELECT * FROM up, two'),
    ).to.deep.equal(['edges'])
    expect(tablesOf('INSERT INTO rooms (a, b) VALUES (1, 2) ON CONFLICT DO UPDATE SET a = 1')).to.deep.equal(['rooms'])
    expect(tablesOf('UPDATE rooms SET a = 1')).to.deep.equal(['rooms'])
    expect(tablesOf('DELETE FROM rooms WHERE id IN (SELECT id FROM old FOR UPDATE SKIP LOCKED)')).to.have.members(['rooms', 'old'])
    expect(tablesOf('CREATE TABLE IF NOT EXISTS rooms (id TEXT)')).to.deep.equal(['rooms'])
    expect(['Select a room', 'Update the room', 'with care', 'Delete from here'].filter(isSql)).to.deep.equal(['Delete from here'])
  })

  it('keep SQL in stores and a table with its owner', () => {
    const faults = checkTables(
      build({
        'server/storage/migrations/0001.ts': "export const sql = ['CREATE TABLE rooms (id TEXT)', 'CREATE TABLE events (id TEXT)']\n",
        'server/graph/rooms.store.ts': "export const a = 'SELECT id FROM rooms'\n",
        'server/people/people.store.ts':
          "export const b = 'SELECT id FROM rooms'\nexport const c = `DELETE FROM evnts WHERE id = $" + '{1}`\n',
        'server/typing/typing.ts': "export const d = 'SELECT id FROM events'\n",
        'bridges/kit/store/rooms.store.ts': "export const e = 'SELECT id FROM rooms'\n",
      }),
    )
    expect(faults).to.have.length(3)
    expect(faults[0]).to.contain('server/typing/typing.ts:1 holds SQL')
    expect(faults[1]).to.contain('the table rooms is named by server/graph and server/people')
    expect(faults[2]).to.contain('server/people/people.store.ts:2 names the table evnts, which no migration makes')
  })

  it('find what grew too large', () => {
    const many = Object.fromEntries(Array.from({ length: 31 }, (_, index) => [`server/sync/part-${index}.ts`, 'export const x = 1\n']))
    const faults = checkSizes(
      build({
        ...many,
        'server/core/long.ts': lines(401, 'export {}'),
        'server/core/whole.ts': lines(400, 'export {}'),
        'server/core/tall.ts': `const x = () => {}\nexport function tall() {\n${lines(59)}}\nexport function fits() {\n${lines(58)}}\n`,
        'spec/server/tall.spec.ts': `describe('a suite', () => {\n  it('x')\n${lines(79)}})\nit('a test', () => {\n${lines(60)}})\n`,
        'server/a/b/c/deep.ts': 'export {}\n',
      }),
    )
    expect(faults).to.have.length(5)
    expect(faults[0]).to.contain('server/core/long.ts has 401 lines')
    expect(faults[1]).to.contain('server/core/tall.ts:2 tall has 61 lines')
    expect(faults[2]).to.contain('spec/server/tall.spec.ts:83 a function without a name has 62 lines')
    expect(faults[3]).to.contain('server/sync has 31 files')
    expect(faults[4]).to.contain('server/a/b/c/deep.ts lies too deep')
  })

  it('find bad manners', () => {
    const faults = checkManners(
      build({
        'server/core/ids.ts': 'export const x = 1 as any\nexport default function y() {}\n',
        'server/core/index.ts': "export { x } from './ids.ts'\nexport * from './ids.ts'\n",
        'server/core/roomId.ts': "import { x } from './ids'\nexport { x }\n",
        'server/core/string-utils.ts': 'const z = 1\nexport default z\n',
      }),
    )
    const words = [
      'ids.ts:1 says any',
      'ids.ts:2 exports a default',
      'index.ts only exports',
      'roomId.ts:1 imports ./ids: write its ending',
      'roomId.ts: names of files',
      'string-utils.ts:2 exports a default',
      'string-utils.ts: a name that says everything',
    ]
    expect(faults).to.have.length(words.length)
    for (const word of words) expect(faults.join('\n')).to.contain(`server/core/${word}`)
  })

  it('let nobody sign as the server who is not known to', () => {
    const signer = (from: string, calls = 1) =>
      `import { signPdu } from '${from}'\nexport function sign() {\n${'  signPdu()\n'.repeat(calls)}}\n`
    const listed = 'server/membership/invites.federation.ts'
    expect(checkSigners(build({ [listed]: signer('../core/signatures.ts') }))).to.deep.equal([])
    expect(checkSigners(build({ [listed]: signer('../core/signatures.ts', 2) }))).to.have.length(2)
    const stranger = 'server/typing/typing.ts'
    expect(checkSigners(build({ [stranger]: signer('../core/signatures.ts') }))[0]).to.match(/^server\/typing\/typing.ts:3 signs/)
    expect(checkSigners(build({ [stranger]: 'export const f = (key) => key.secretKey\n' }))).to.have.length(1)
  })
})
