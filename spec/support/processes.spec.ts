import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { freePort, removeFolder, startProcess, temporaryFolder } from './processes.ts'

const listens = `
  const { createServer } = require('node:http')
  createServer((request, response) => response.writeHead(request.url === '/ok' ? 200 : 404).end()).listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listening'))
  process.on('SIGTERM', () => process.exit(7))
`

describe('startProcess', () => {
  let folder: string
  let program: string
  beforeEach(() => {
    folder = temporaryFolder()
    program = join(folder, 'program.cjs')
    writeFileSync(program, listens)
  })
  afterEach(() => removeFolder(folder))

  it('waits for a URL, stops with SIGTERM and gives the exit code', async () => {
    const port = await freePort()
    const running = await startProcess({
      args: [program],
      log: join(folder, 'log'),
      env: { PORT: String(port) },
      ready: { url: `http://127.0.0.1:${port}/ok` },
    })
    expect(running.output()).to.equal('listening\n')
    expect(await running.stop()).to.equal(7)
  })

  it('waits for a line, and kills', async () => {
    const running = await startProcess({ args: [program], log: join(folder, 'log'), env: { PORT: '0' }, ready: { line: /^(listen)ing$/m } })
    expect(running.line?.[1]).to.equal('listen')
    await running.kill()
    expect((await running.ended).signal).to.equal('SIGKILL')
  })

  it('tells what a process said that ended too early', async () => {
    const failed = startProcess({
      args: ['-e', 'console.error("no port for you"); process.exit(1)'],
      log: join(folder, 'log'),
      ready: { line: /never/ },
    })
    const error: unknown = await failed.catch((reason) => reason)
    expect(String(error)).to.contain('ended before it was ready').and.contain('no port for you')
  })

  it('says so when there is no such program', async () => {
    const error: unknown = await startProcess({
      command: join(folder, 'nothing'),
      args: [],
      log: join(folder, 'log'),
      ready: { line: /x/ },
    }).catch((reason) => reason)
    expect(String(error)).to.contain('ENOENT')
    expect(existsSync(join(folder, 'log'))).to.equal(true)
  })
})
