import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { parse } from 'yaml'
import { bridgeSchema, loadBridge } from '../../config/bridge-schema.ts'
import { examples } from '../../config/deploy/write-example.ts'
import { load } from '../../config/load.ts'
import { namedKeys, variableName } from '../../config/resolve.ts'
import { schema } from '../../config/schema.ts'

const deploy = join(import.meta.dirname, '../../config/deploy')

describe('the schema of the configuration', () => {
  it('has an example on file that is what the schema makes (npm run examples)', () => {
    for (const [name, content] of examples()) expect(readFileSync(join(deploy, name), 'utf8'), name).to.equal(content)
  })

  it('has an example that changes nothing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tombolo-example-'))
    const [empty, full] = [join(folder, 'empty.yaml'), join(folder, 'full.yaml')]
    writeFileSync(empty, '')
    writeFileSync(full, readFileSync(join(deploy, 'tombolo.example.yaml')))
    const [left, right] = [load({ file: empty }), load({ file: full })]
    rmSync(folder, { recursive: true })
    expect(right.warnings).to.deep.equal([])
    expect(right.config).to.deep.equal(left.config)
  })

  it('gives each key a variable of its own, and words', () => {
    for (const table of [schema, bridgeSchema]) {
      const keys = namedKeys(table)
      const variables = keys.flatMap(({ at, key }) => [variableName('', at), ...(key.secret ? [`${variableName('', at)}_PATH`] : [])])
      expect(new Set(variables).size).to.equal(variables.length)
      for (const { at, key } of keys) expect(key.words, at).to.match(/\S.*[.a-z/]$/)
    }
  })

  it('keeps secrets out of the examples', () => {
    for (const content of examples().values()) expect(JSON.stringify(parse(content))).not.to.match(/secret|token"/)
  })

  it('reads a bridge’s configuration with the same rules', () => {
    const { config, warnings } = loadBridge({
      argv: ['-O', 'listen.port=29318'],
      env: { TOMBOLO_BRIDGE_GRAPH_APP_SECRET: 's', TOMBOLO_LOG_LEVEL: 'x' },
    })
    expect(config.listen.port).to.equal(29318)
    expect(config.graph).to.include({ app_secret: 's', version: 'v25.0' })
    expect(warnings).to.deep.equal([])
  })
})
