import { write } from '../../../server/storage/database.ts'
import { type DatabaseConfig, openDatabase } from '../../../server/storage/open-database.ts'
import { insertNote, noteTables, quietTools } from '../../support/storage.ts'

/** Commits notes without end and prints the id of each that was acknowledged. The configuration is the first argument. */
const { database } = await openDatabase(JSON.parse(process.argv[2]!) as DatabaseConfig, quietTools([]), noteTables)
process.stdout.write('ready\n')
let next = 0

async function commitForEver(): Promise<never> {
  for (;;) {
    const id = `note ${next++}`
    await database.commit({ writes: [write(insertNote, id, null, Buffer.alloc(1024))], log: [{ kind: 'note', key: id }] })
    process.stdout.write(`acknowledged ${id}\n`)
  }
}
await Promise.all(Array.from({ length: 16 }, commitForEver))
