import { parseArgs } from 'node:util'
import { type SandboxOptions, startSandbox } from './sandbox.ts'

// The process prints one line of JSON with its URL when it is ready. Forked with an IPC channel, it ends when its parent does.

const usage = 'usage: node bridges/sandbox/main.ts [--port 0] [--host 127.0.0.1] [--seed words]'

function readOptions(): SandboxOptions {
  const text = { type: 'string' } as const
  const { host, port = '0', seed } = parseArgs({ options: { host: text, port: text, seed: text } }).values
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new Error('the port must be a number up to 65535')
  return { port: Number(port), ...(host === undefined ? {} : { host }), ...(seed === undefined ? {} : { seed }) }
}

try {
  const sandbox = await startSandbox(readOptions())
  process.stdout.write(`${JSON.stringify({ ready: true, url: sandbox.url })}\n`)
  const stop = () => void sandbox.close().then(() => process.exit(0))
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) process.once(event, stop)
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n${usage}\n`)
  process.exitCode = 2
}
