import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The name and the version of this server, as its package has them. */
export const product: { readonly name: string; readonly version: string } = {
  name: 'Tombolo',
  version: JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')).version,
}
