import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { project, removeFolder, temporaryFolder } from '../../support/processes.ts'

/** Stands in for npm: notes how it was called, and installs or fails. */
const npm = `
  const { appendFileSync, mkdirSync, writeFileSync } = require('node:fs')
  appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n')
  console.error('npm said this')
  if (process.env.NPM_FAILS) process.exit(1)
  mkdirSync('node_modules/node/bin', { recursive: true })
  writeFileSync('node_modules/node/bin/node', '')
  writeFileSync('node_modules/.package-lock.json', '{}')
`

describe('install', () => {
  let folder: string
  beforeEach(() => {
    folder = temporaryFolder()
    mkdirSync(join(folder, 'config/deploy'), { recursive: true })
    copyFileSync(join(project, 'config/deploy/install.mjs'), join(folder, 'config/deploy/install.mjs'))
    writeFileSync(join(folder, 'package-lock.json'), '{}')
    writeFileSync(join(folder, 'npm.cjs'), npm)
  })
  afterEach(() => removeFolder(folder))

  const install = (env: Record<string, string> = {}) => {
    const options = { encoding: 'utf8', env: { ...process.env, npm_execpath: join(folder, 'npm.cjs'), ...env } } as const
    return spawnSync(process.execPath, [join(folder, 'config/deploy/install.mjs')], options)
  }
  const age = (path: string, seconds: number) => utimesSync(join(folder, path), seconds, seconds)

  it('installs what the lock file says, with one line', () => {
    const { status, stdout, stderr } = install()
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
    expect(stdout).to.match(/^Installing packages \(this once, about a minute\) … done in \d+ s\n$/)
    expect(existsSync(join(folder, 'node_modules/node/bin/node'))).to.equal(true)
  })

  it('does nothing and says nothing when all is there', () => {
    install()
    age('package-lock.json', 1000)
    const { status, stdout, stderr } = install({ NPM_FAILS: '1' })
    expect({ status, stdout, stderr }).to.deep.equal({ status: 0, stdout: '', stderr: '' })
  })

  it('installs again when the lock file is newer', () => {
    install()
    age('node_modules/.package-lock.json', 1000)
    expect(install().stdout).to.contain('done in')
  })

  it('says what npm said when it fails', () => {
    const { status, stdout, stderr } = install({ NPM_FAILS: '1' })
    expect(status).to.equal(1)
    expect(stdout).to.contain('failed in')
    expect(stderr).to.contain('npm said this').and.contain('`npm ci` tries again')
  })
})
