import { parseArgs } from 'node:util'
import { startSandbox } from './sandbox.ts'

const usage = 'usage: node bridges/sandbox/main.ts [--port 0] [--host 127.0.0.1] [--seed words]'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    seed: { type: 'string' },
    help: { type: 'boolean' },
  },
})

if (values.help || !/^\d{1,5}$/.test(values.port)) {
  process.stderr.write(`${usage}\n`)
  process.exit(values.help ? 0 : 2)
}

const sandbox = await startSandbox({
  host: values.host,
  port: Number(values.port),
  ...(values.seed === undefined ? {} : { seed: values.seed }),
})
process.stdout.write(`${JSON.stringify({ ready: true, url: sandbox.url })}\n`)

const stop = () => void sandbox.close().then(() => process.exit(0))
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
