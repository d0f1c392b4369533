import { spawnSync } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { project, removeFolder, temporaryFolder } from '../../support/processes.ts'

describe('npm start', () => {
  let data: string
  let other: Server
  beforeEach(async () => {
    data = temporaryFolder('tombolo-data')
    other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
  })
  afterEach(() => {
    other.close()
    removeFolder(data)
  })

  const start = (...args: string[]) =>
    spawnSync(process.execPath, [join(project, 'config/deploy/start.ts'), '--data', data, ...args], { encoding: 'utf8' })

  it('ends with clear words when the port is taken', () => {
    const { port } = other.address() as AddressInfo
    const { status, stderr } = start('-O', `listeners=[{"port":${port}}]`)
    expect(status).to.equal(1)
    expect(stderr).to.contain(`Port ${port} on 127.0.0.1 is taken`).and.contain('listeners:').and.not.contain('    at ')
  })

  it('ends with clear words when the configuration is wrong', () => {
    const { status, stderr } = start('-O', 'registration.open=perhaps')
    expect(status).to.equal(1)
    expect(stderr).to.contain('registration.open (from the command line): write true or false').and.not.contain('    at ')
  })

  it('ends with clear words when it is asked for what there is not', () => {
    const { status, stderr } = start('--colour', 'red')
    expect(status).to.equal(1)
    expect(stderr).to.contain("Unknown option '--colour'").and.not.contain('    at ')
  })
})
