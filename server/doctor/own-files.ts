import { existsSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readSigningKey } from '../../config/signing-key.ts'
import { attention, type Finding, ok, skipped, wrong } from './finding.ts'
import type { Patient } from './patient.ts'

const gibibyte = 1024 ** 3

/** The files of the server: its key, who may read them, and the room that is left for more. */
export async function lookAtFiles(patient: Patient): Promise<Finding[]> {
  const { config, serverName } = patient
  const secret = [{ check: 'key file', file: config.signing_key_path }]
  if (config.database.kind === 'sqlite') secret.push({ check: 'database file', file: config.database.path })
  return [
    lookAtName(patient, serverName),
    lookAtKey(config.signing_key_path),
    ...secret.flatMap(({ check, file }) => (existsSync(file) ? lookAtMode(check, file) : [])),
    ...(await lookAtRoom(patient)),
  ]
}

function lookAtName({ file }: Patient, serverName: string): Finding {
  if (serverName !== 'localhost') return ok('server name', `${serverName}: users are @someone:${serverName}`)
  return attention(
    'server name',
    'is localhost, as it is until somebody chooses one: no other server can reach this one',
    `Before there are accounts (it can never be changed afterwards) write into ${file ?? 'data/tombolo.yaml'}`,
    '  server_name: example.org',
  )
}

function lookAtKey(file: string): Finding {
  const check = 'signing key'
  if (!existsSync(file))
    return attention(
      check,
      `${file} is not there`,
      'It is made at the first start. Where this server has run before, give it back from the backup before you start it: others no longer believe a server whose key changes.',
    )
  try {
    return ok(check, `${readSigningKey(file).keyId} in ${file}`)
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    return wrong(check, words, 'Give the file back from the backup, or run this as the user that runs the server.')
  }
}

/** Whoever may enter the folder and read the file. */
function lookAtMode(check: string, file: string): Finding {
  if (process.platform === 'win32') return skipped(check, 'who may read it is not looked at on this system')
  const mode = statSync(file).mode & 0o777
  const isOpen = (statSync(dirname(file)).mode & 0o011) !== 0 && (mode & 0o066) !== 0
  if (!isOpen) return ok(check, `nobody but its owner can read ${file}`)
  return wrong(check, `others on this machine can read or change ${file} (its mode is ${mode.toString(8)})`, `  chmod 600 ${file}`)
}

async function lookAtRoom({ config }: Patient): Promise<Finding[]> {
  const database = config.database.kind === 'sqlite' ? [dirname(config.database.path)] : []
  const folders = [config.data_dir, ...database, config.media.store_path].filter(existsSync)
  const devices = new Map(folders.toReversed().map((folder) => [statSync(folder).dev, folder]))
  return Promise.all(
    [...devices.values()].map(async (folder) => {
      const { bavail, bsize, blocks } = await statfs(folder)
      return roomFinding(folder, bavail * bsize, blocks * bsize)
    }),
  )
}

/** What is left of a disk: a server that can write no more answers no more. */
export function roomFinding(folder: string, free: number, whole: number): Finding {
  const check = 'disk'
  const words = `${inGibibytes(free)} of ${inGibibytes(whole)} are free where ${folder} is`
  const advice = [
    'Make room, or move the files of users to another disk and write',
    '  media:',
    '    store_path: /PATH/ON/ANOTHER/DISK',
    'Files of other servers go sooner with a shorter media.keep_remote (30d).',
  ]
  if (free < gibibyte / 2) return wrong(check, words, ...advice)
  if (free < 2 * gibibyte || free < whole / 50) return attention(check, words, ...advice)
  return ok(check, words)
}

function inGibibytes(bytes: number): string {
  const amount = bytes / gibibyte
  return `${amount >= 10 ? Math.round(amount) : Math.round(amount * 10) / 10} GiB`
}
