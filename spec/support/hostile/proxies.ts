import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Files } from '../peers/tls-server.ts'
import { freePort, project, type Running, startProcess } from '../processes.ts'

export type ProxyName = 'nginx' | 'caddy' | 'haproxy'
export type ReverseProxy = { readonly port: number; readonly url: string; readonly running: Running }
type Place = { readonly folder: string; readonly files: Files; readonly port: number; readonly to: number }

/** How each is started on what the README says, where that differs for a machine on which other things run, too. */
const proxies: Readonly<
  Record<ProxyName, (said: string, place: Place) => { file: string; text: string; args: (file: string) => string[] }>
> = {
  nginx: (said, { folder, files, port }) => ({
    file: 'nginx.conf',
    text: [
      ...(process.getuid?.() === 0 ? ['user root;'] : []),
      'daemon off;',
      `pid ${folder}/nginx.pid;`,
      'error_log stderr;',
      'events {}',
      'http {',
      'access_log off;',
      ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`),
      replaced(said, [
        ['listen 443 ', `listen 127.0.0.1:${port} `],
        ['/etc/letsencrypt/live/example.org/fullchain.pem', files.certificate],
        ['/etc/letsencrypt/live/example.org/privkey.pem', files.key],
      ]),
      '}',
    ].join('\n'),
    args: (file) => ['-p', folder, '-c', file],
  }),
  caddy: (said, { files, port }) => ({
    file: 'Caddyfile',
    text: [
      `{\n  admin off\n  auto_https disable_redirects\n  https_port ${port}\n  default_bind 127.0.0.1\n}`,
      replaced(said, [['matrix.example.org {\n', `matrix.example.org {\n  tls ${files.certificate} ${files.key}\n`]]),
    ].join('\n'),
    args: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
  }),
  haproxy: (said, { folder, files, port }) => {
    const both = join(folder, 'both.pem')
    writeFileSync(both, readFileSync(files.certificate, 'utf8') + readFileSync(files.key, 'utf8'), { mode: 0o600 })
    return {
      file: 'haproxy.cfg',
      text: [
        // As Debian ships it.
        'defaults\n  mode http\n  option httplog\n  option dontlognull\n  timeout connect 5000\n  timeout client 50000\n  timeout server 50000',
        replaced(said, [
          ['bind :443 ', `bind 127.0.0.1:${port} `],
          ['/etc/haproxy/example.org.pem', both],
        ]),
        '',
      ].join('\n'),
      args: (file) => ['-db', '-f', file],
    }
  },
}

/** Whether a proxy is on this machine. */
export function isInstalled(name: ProxyName): boolean {
  return spawnSync('sh', ['-c', `PATH="$PATH:/usr/sbin" command -v ${name}`]).status === 0
}

/** Starts a proxy on the very lines that the README recommends, in front of a port of this machine. */
export async function startProxy(name: ProxyName, of: Omit<Place, 'port'>): Promise<ReverseProxy> {
  const port = await freePort()
  const said = replaced(blockOf(name), [['127.0.0.1:8008', `127.0.0.1:${of.to}`]])
  const { file, text, args } = proxies[name](said, { ...of, port })
  const at = join(of.folder, file)
  writeFileSync(at, text)
  const running = await startProcess({
    command: name,
    args: args(at),
    cwd: of.folder,
    log: join(of.folder, `${name}.log`),
    env: { PATH: `${process.env['PATH']}:/usr/sbin`, HOME: of.folder, XDG_DATA_HOME: of.folder, XDG_CONFIG_HOME: of.folder },
  })
  return { port, url: `https://127.0.0.1:${port}`, running }
}

function blockOf(name: ProxyName): string {
  const found = new RegExp(`\`\`\`${name}\\n([^]*?)\`\`\``).exec(readFileSync(join(project, 'README.md'), 'utf8'))?.[1]
  if (found === undefined) throw new Error(`the README has nothing for ${name}`)
  return found
}

function replaced(text: string, pairs: readonly (readonly [string, string])[]): string {
  return pairs.reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`the README no longer says ${from}`)
    return before.replace(from, to)
  }, text)
}
