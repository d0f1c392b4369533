import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// As the server's own start does: without the cache, most of the time would go into reading the program.
enableCompileCache(join(import.meta.dirname, '../..', 'node_modules', '.cache', 'tombolo'))
await import('./main.ts')
