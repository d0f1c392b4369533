import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bridgeSchema, bridgeVariables } from '../bridge-schema.ts'
import { example } from '../example.ts'
import { schema } from '../schema.ts'

/** The examples that belong in this folder, by their names. */
export function examples(): ReadonlyMap<string, string> {
  const rules = [
    'Every key with its default. Made from the schema: npm run examples',
    'Sizes: 512K, 50M, 1G. Times: 30s, 10m, 24h, 7d. Paths start at the folder of this file.',
  ]
  const server = ['The configuration of the server, DATA/tombolo.yaml.', ...rules]
  const bridge = ['The configuration of a bridge, DATA/bridges/NETWORK.yaml.', ...rules]
  return new Map([
    ['tombolo.example.yaml', example(schema, server, 'TOMBOLO_')],
    ['bridge.example.yaml', example(bridgeSchema, bridge, bridgeVariables)],
  ])
}

if (import.meta.main) {
  for (const [name, content] of examples()) writeFileSync(join(import.meta.dirname, name), content)
}
