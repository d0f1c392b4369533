import { ConfigError, load } from '../load.ts'
import { rotateSigningKey } from '../signing-key.ts'

/** What is to be done after a new key was made. */
function words(file: string, now: string, before: { keyId: string; key: string }): string {
  return [
    `The key to sign with is ${now} from now on, in ${file}; ${before.keyId} stands below it as an old one.`,
    'Start the server again: every process of it, each with this file. Until then it goes on with the key before; then that one signs no more, and',
    'what it has signed stays valid with others, who are told of it. Back up the file. npm run doctor looks whether all is well.',
    '',
    'If the old key may be known to others, start the server again now, and write into tombolo.yaml since when what it signs is not to be believed',
    '(milliseconds; with 0 nothing is, ever, so that others can no longer enter rooms that rest on events of that time):',
    'old_signing_keys:',
    `  - { key_id: '${before.keyId}', key: '${before.key}', expired_ts: ${Date.now()} }`,
    '',
  ].join('\n')
}

try {
  const { config } = load({ argv: process.argv.slice(2), env: process.env })
  const { now, before } = rotateSigningKey(config.signing_key_path)
  process.stdout.write(words(config.signing_key_path, now.keyId, before))
} catch (error) {
  const { code, path, message } = error as NodeJS.ErrnoException
  if (code === undefined && !(error instanceof ConfigError)) throw error
  process.stderr.write(`${code === 'ENOENT' ? `${path} is not there: the first start makes it` : message}\n`)
  process.exitCode = 1
}
