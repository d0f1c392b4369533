import { failureWords } from '../remote/failure-words.ts'
import type { TlsLook } from '../remote/look-at-tls.ts'
import { attention, type Finding, ok, wrong } from './finding.ts'

const day = 24 * 3_600_000
const soon = 14 * day

/** Whether others believe a certificate, what it lacks, and how to get a right one. `file` is where the listener has it from; undefined behind a proxy. */
export function certificateFinding(
  look: TlsLook,
  of: { readonly name: string; readonly now: number; readonly file: string | undefined },
): Finding {
  const check = 'certificate'
  const { name, now, file } = of
  const until = `${new Date(look.until).toISOString().slice(0, 10)}`
  const put = file === undefined ? 'and reload the reverse proxy' : `write it to ${file} and start again`
  if (!Number.isNaN(look.until) && look.until < now) {
    return wrong(
      check,
      `has expired: it ended on ${until}, ${daysOf(now - look.until)} ago`,
      `Renew it, ${put}, and let that happen by itself:`,
      '  certbot renew',
    )
  }
  if (look.from > now)
    return wrong(
      check,
      `is not valid before ${new Date(look.from).toISOString()}`,
      'Look at the clock of this machine: timedatectl set-ntp true',
    )
  if (!look.isForName) {
    return wrong(
      check,
      `is for ${look.names.join(', ') || 'no name'} and not for ${name}, as others expect`,
      `Get one for ${name}, ${put}:`,
      `  certbot certonly -d ${name}`,
      'Or let the well-known file lead to a name that it is for.',
    )
  }
  if (look.fault !== undefined)
    return wrong(check, `is not believed: ${failureWords(look.fault)}`, ...distrustAdvice(look.fault, name, put))
  const words = `for ${name}, from ${look.issuer || 'an authority without a name'}, until ${until} (${daysOf(look.until - now)}), over ${look.protocol}`
  if (look.until - now < soon)
    return attention(check, `ends soon: ${words}`, `Renew it, ${put}; look why that did not happen by itself:`, '  certbot renew --dry-run')
  return ok(check, words)
}

function distrustAdvice(fault: string, name: string, put: string): string[] {
  if (fault === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE') {
    return [
      `The chain is missing. Use the file that holds the certificate and those above it, ${put}:`,
      `  ssl_certificate /etc/letsencrypt/live/${name}/fullchain.pem;`,
    ]
  }
  return [
    `Get one from an authority that everybody knows, ${put}:`,
    `  certbot certonly -d ${name}`,
    'Among servers that all know your own authority, each names its file:',
    '  federation: { ca_file: /PATH/authority.pem }',
  ]
}

function daysOf(milliseconds: number): string {
  const days = Math.floor(milliseconds / day)
  return `${days} day${days === 1 ? '' : 's'}`
}
