import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { freePort, project, type Running, removeFolder, startProcess, temporaryFolder } from '../../support/processes.ts'

describe('npm start', function () {
  this.timeout(120_000)
  let data: string
  let npm: Running
  afterEach(async () => {
    await npm.kill()
    removeFolder(data)
  })

  it('ends all that it started when npm is ended, which tells nobody', async () => {
    data = temporaryFolder('tombolo-data')
    const port = await freePort()
    npm = await startProcess({
      command: 'npm',
      args: ['start', '--', '--data', data, '-O', `listeners=[{"port":${port}}]`],
      cwd: project,
      log: join(data, 'npm.log'),
      ready: { line: /Tombolo runs/ },
      within: 60_000,
    })
    const versions = `http://127.0.0.1:${port}/_matrix/client/versions`
    expect((await fetch(versions)).status).to.equal(200)
    npm.signal('SIGTERM')
    await npm.ended
    const answers = () =>
      fetch(versions).then(
        () => true,
        () => false,
      )
    const latest = performance.now() + 20_000
    while ((await answers()) && performance.now() < latest) await sleep(100)
    expect(await answers()).to.equal(false)
    expect(npm.output()).to.contain('Ending: first the bridges')
  })
})
