// Runs before `npm start`, `npm test` and `npm run demo`, on any Node from 20 on a clean clone: plain JavaScript, nothing but Node's own modules.
// Installs the packages when they are missing or older than the lock file. One of them is Node 24 itself, which npm scripts then find first.
import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

function modifiedAt(path) {
  return statSync(join(project, path), { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY
}

/** npm writes `node_modules/.package-lock.json` last, so an install that broke off counts as missing. */
function isInstalled() {
  return modifiedAt('node_modules/.package-lock.json') >= modifiedAt('package-lock.json') && modifiedAt('node_modules/node/bin/node') > 0
}

/** One line: rewritten every second in a terminal, written once elsewhere. Returns what ends it. */
function showProgress(words) {
  const { stdout } = process
  const started = Date.now()
  const seconds = () => Math.round((Date.now() - started) / 1000)
  stdout.write(`${words} …`)
  const timer = stdout.isTTY ? setInterval(() => stdout.write(`\r${words} … ${seconds()} s`), 1000) : undefined
  return (ending) => {
    clearInterval(timer)
    stdout.write(stdout.isTTY ? `\r${words} … ${ending} in ${seconds()} s\n` : ` ${ending} in ${seconds()} s\n`)
  }
}

/** Runs npm, the one that runs this script where there is one; gives its exit code and all it said. */
function runNpm(args) {
  const npm = process.env.npm_execpath
  const [command, first] = npm ? [process.execPath, [npm]] : ['npm', []]
  return new Promise((resolve) => {
    const said = []
    const child = spawn(command, [...first, ...args], {
      cwd: project,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: !npm && process.platform === 'win32',
    })
    child.stdout.on('data', (chunk) => said.push(chunk))
    child.stderr.on('data', (chunk) => said.push(chunk))
    child.on('error', (error) => resolve({ code: 1, said: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, said: Buffer.concat(said).toString() }))
  })
}

if (!isInstalled()) {
  const end = showProgress('Installing packages (this once, about a minute)')
  const { code, said } = await runNpm(['ci', '--loglevel=error'])
  end(code === 0 ? 'done' : 'failed')
  if (code !== 0) {
    process.stderr.write(`${said}\nThe packages could not be installed. What npm said stands above; \`npm ci\` tries again.\n`)
    process.exit(1)
  }
}
