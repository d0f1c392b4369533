import type { Facts } from './facts.ts'

const signatures = 'server/core/signatures.ts'

/**
 * Who may sign as this server, and in how many places. Each of them signs what it built itself; an invitation and a join that one of ours vouches for are
 * looked at first (`spec/hostile/slow/signing-for-others.spec.ts`). Before another one is put here, say what keeps others from choosing what it signs.
 */
const allowed: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  // Our own events, on top of a room that we are in, or of one that we enter, leave or knock on.
  'server/graph/draft.ts': { hashAndSignPdu: 1 },
  'server/graph/outside/handshake.ts': { hashAndSignPdu: 2 },
  'server/graph/outside/invite-remote.ts': { hashAndSignPdu: 1 },
  'server/membership/join-remote.ts': { hashAndSignPdu: 1 },
  // Others' events: an invitation for one of ours, a restricted join.
  'server/membership/invites.federation.ts': { signPdu: 1 },
  'server/graph/receive/handshake.ts': { signPdu: 1 },
  // What is no event: keys, ours and those of others that we vouch for, and requests.
  'server/discovery/keys-server.federation.ts': { signJson: 1 },
  'server/discovery/keys-query.federation.ts': { signJson: 1 },
  'server/remote/signed-request.ts': { signText: 1 },
}
const signing = ['hashAndSignPdu', 'signPdu', 'signJson', 'signText', 'signWithNode', 'crypto_sign_detached', 'secretKey']
const home = ['server/core/signatures.ts', 'server/core/runtime/ed25519.ts']

/** Only those sign as this server who are known to, by what `core/signatures.ts` has for it. */
export function checkSigners(house: readonly Facts[]): string[] {
  const others = house.filter(({ path }) => path.startsWith('server/') && !home.includes(path))
  const imported = others.filter(({ imports }) => imports.some(({ target, from }) => target === signatures || from === 'sodium-native'))
  const strangers = others
    .filter((facts) => !imported.includes(facts))
    .flatMap(({ path, uses }) =>
      uses.filter(({ text }) => signing.includes(text.replace(/^.*\./, ''))).map(({ line }) => `${path}:${line}`),
    )
  const wrong = imported.flatMap(({ path, uses }) => {
    return signing.flatMap((name) => {
      const found = uses.filter(({ text }) => text.replace(/^.*\./, '') === name)
      const count = allowed[path]?.[name] ?? 0
      return found.length > count ? found.map(({ line }) => `${path}:${line}`) : []
    })
  })
  return [...new Set([...strangers, ...wrong])].map(
    (place) =>
      `${place} signs as this server: who may is listed in spec/support/house/signers.ts, with what keeps others from choosing what is signed`,
  )
}
