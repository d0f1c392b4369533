import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// Plain JavaScript: the cache, which halves the time of a start, must be on before Node loads what strips the types.
// It lies with the installed packages, where nobody else may write; where it cannot be kept, nothing is lost.
const cache = join(import.meta.dirname, '..', 'node_modules', '.cache', 'tombolo')
enableCompileCache(cache)
// Threads of the storage engine look for it here.
process.env['NODE_COMPILE_CACHE'] ??= cache
// Half of the threads may look up names at a time: of two, servers whose DNS does not answer would take all, and nobody else would be found.
process.env['UV_THREADPOOL_SIZE'] ??= '64'
await import('./main.ts')
