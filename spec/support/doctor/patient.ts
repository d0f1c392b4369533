import { execFile } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from '../../../server/doctor/finding.ts'
import { writeCertificate } from '../certificates.ts'
import type { Files } from '../peers/tls-server.ts'
import { freePort, project, type Running, removeFolder, startServer, temporaryFolder } from '../processes.ts'
import { type Resolver, startResolver } from './dns.ts'
import { type Front, startFront } from './front.ts'

export type Examined = {
  readonly code: number
  readonly output: string
  readonly errors: string
  readonly findings: readonly (Finding & { readonly part: string })[]
  /** Of a check, in the first part that has it or in one by its title: how it is, and all its words with the advice. */
  readonly of: (check: string, part?: string) => { readonly level: string | undefined; readonly text: string }
}

/** A server in a process of its own behind a reverse proxy, its names in a DNS of its own: `tombolo.test`, at `https://matrix.tombolo.test/`. */
export type Patient = {
  readonly folder: string
  readonly port: number
  readonly front: Front
  readonly resolver: Resolver
  readonly config: string
  readonly server: Running
  /** Ends the server and starts it again on the same configuration. */
  readonly restart: () => Promise<void>
  /** A certificate that the server and the doctor believe. */
  readonly trusted: Files
  /** Runs the doctor as a person would; asks for JSON. */
  readonly examine: (...args: readonly string[]) => Promise<Examined>
  /** The same as it is read by a person. */
  readonly read: (...args: readonly string[]) => Promise<{ readonly code: number; readonly output: string }>
  /** What leads a name to a front. */
  readonly leads: (place: string, to: Front | number) => readonly string[]
  readonly close: () => Promise<void>
}

const program = join(project, 'server/doctor/start.mjs')

/** Runs a doctor on the configuration that the arguments name. */
export async function examine(...args: readonly string[]): Promise<Examined> {
  const { code, output, errors } = await run([...args, '--json'])
  const findings: Examined['findings'] = !output.startsWith('{') ? [] : JSON.parse(output).findings
  const of = (check: string, part?: string) => {
    const found = findings.find((finding) => finding.check === check && (part === undefined || finding.part === part))
    return { level: found?.level, text: found === undefined ? '' : [found.words, ...found.advice].join('\n') }
  }
  return { code, output, errors, findings, of }
}

function run(args: readonly string[]): Promise<{ code: number; output: string; errors: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { cwd: project, env: { ...process.env, NO_COLOR: '1' } }, (error, output, errors) => {
      resolve({ code: error === null ? 0 : Number(error.code), output, errors })
    })
  })
}

export async function startPatient(): Promise<Patient> {
  const folder = temporaryFolder('tombolo-doctor')
  const trusted = writeCertificate(subfolder(folder, 'tls'), ['tombolo.test', 'matrix.tombolo.test', 'localhost'])
  const port = await freePort()
  const [front, resolver] = [await startFront(trusted, port), await startResolver()]
  for (const name of ['tombolo.test', 'matrix.tombolo.test']) resolver.zone.addresses.set(name, ['127.0.0.1'])
  const config = join(folder, 'tombolo.yaml')
  writeFileSync(config, configText(port, trusted), { mode: 0o600 })
  const start = () => startServer(config, { log: join(folder, 'log'), ready: { line: /is ready at/ } })
  let server = await start()
  const leads = (place: string, to: Front | number) => ['--connect-to', `${place}=127.0.0.1:${typeof to === 'number' ? to : to.port}`]
  const always = ['--config', config, '--dns', resolver.address, ...leads('matrix.tombolo.test:443', front)]
  // What is said last about a place counts.
  const usual = leads('tombolo.test:443', front)
  return {
    folder,
    port,
    front,
    resolver,
    config,
    get server() {
      return server
    },
    restart: async () => {
      await server.stop()
      server = await start()
    },
    trusted,
    leads,
    examine: (...args) => examine(...always, ...usual, ...args),
    read: (...args) => run([...always, ...usual, ...args]),
    close: async () => {
      await server.stop()
      await Promise.all([front.down(), resolver.close()])
      removeFolder(folder)
    },
  }
}

function configText(port: number, { certificate }: Files): string {
  return [
    'server_name: tombolo.test',
    'public_baseurl: https://matrix.tombolo.test/',
    'data_dir: .',
    `listeners: [{ host: 127.0.0.1, port: ${port} }]`,
    `federation: { ca_file: ${certificate}, allow_private_addresses: true, trusted_key_servers: [] }`,
    'database: { path: tombolo.db }',
    '',
  ].join('\n')
}

/** Another certificate, which is believed when `isTrusted`. */
export function anotherCertificate(patient: Patient, of: { name?: string; from?: string; until?: string; isTrusted: boolean }): Files {
  const { name = 'matrix.tombolo.test', isTrusted, ...validity } = of
  const files = writeCertificate(subfolder(patient.folder, `tls-${Math.random().toString(36).slice(2)}`), name, validity)
  if (isTrusted) appendFileSync(patient.trusted.certificate, readFileSync(files.certificate))
  return files
}

function subfolder(folder: string, name: string): string {
  const made = join(folder, name)
  mkdirSync(made)
  return made
}
