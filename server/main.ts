import { setFlagsFromString } from 'node:v8'
import { load } from '../config/load.ts'
import { createHomeserver, type Homeserver } from './homeserver.ts'
import { errorFields } from './http/log.ts'
import { product } from './http/version.ts'

/** Ends the process whatever hangs: an orderly end is to take less than ten seconds. */
const patience = 9500

async function main(): Promise<void> {
  const { config, warnings, checkOnly } = load({ argv: process.argv.slice(2), env: process.env })
  for (const warning of warnings) process.stderr.write(`${warning}\n`)
  if (checkOnly) return
  const server = await createHomeserver(config)
  watch(server)
  const { url, urls } = await server.listen().catch(async (error) => {
    await server.close()
    throw error
  })
  // What runs for the first time from here on is compiled at once, not after it was interpreted a while: the first thousands of answers cost a fifth less.
  setFlagsFromString('--always-sparkplug')
  const ready = { ready: true, url, listeners: urls, server_name: config.server_name, version: product.version, pid: process.pid }
  const said = config.log.format === 'json' ? JSON.stringify(ready) : `${product.name} ${product.version} is ready at ${url}`
  process.stdout.write(`${said}\n`)
}

function watch(server: Homeserver): void {
  let ending = false
  const end = (code: number) => {
    if (ending) process.exit(1)
    ending = true
    setTimeout(() => process.exit(1), patience).unref()
    const failed = (error: unknown) => server.home.log.error('ending failed', errorFields(error))
    void server
      .close()
      .catch(failed)
      .then(() => {
        server.home.log.flush()
        process.exit(code)
      })
  }
  process.on('SIGTERM', () => end(0))
  process.on('SIGINT', () => end(0))
  const broken = (error: unknown) => {
    server.home.log.error('something unexpected happened, the server ends', errorFields(error))
    server.home.log.flush()
    process.exit(1)
  }
  process.on('uncaughtException', broken)
  process.on('unhandledRejection', broken)
}

main().catch((error: unknown) => {
  const words = error instanceof Error ? error.message : String(error)
  process.stderr.write(`${words}\n`)
  process.exitCode = 1
})
