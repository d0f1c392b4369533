import { CryptoEvent, type VerificationRequest, VerificationRequestEvent, VerifierEvent } from 'matrix-js-sdk/lib/crypto-api/index.js'
import { type ShowSasCallbacks, VerificationPhase, type Verifier } from 'matrix-js-sdk/lib/crypto-api/verification.js'
import type { Device } from './client-device.ts'

/**
 * Two devices verify each other by comparing emoji: one asks, the other accepts, the first begins.
 * Gives the emoji that each was shown. https://spec.matrix.org/v1.19/client-server-api/#short-authentication-string-sas-verification
 */
export async function verify(asking: () => Promise<VerificationRequest>, answering: Device): Promise<[string, string]> {
  const received = nextRequest(answering)
  const mine = await asking()
  const theirs = await received
  await theirs.accept()
  await reach(mine, ({ phase }) => phase === VerificationPhase.Ready)
  const first = await mine.startVerification('m.sas.v1')
  await reach(theirs, ({ verifier }) => verifier !== undefined)
  const second = theirs.verifier
  if (!second) throw new Error('nothing to verify with')
  const shown = [showing(first), showing(second)] as const
  const done = [first.verify(), second.verify()]
  const [one, other] = await Promise.all(shown)
  const emoji: [string, string] = [wordsOf(one), wordsOf(other)]
  await Promise.all([one.confirm(), other.confirm(), ...done])
  await Promise.all([mine, theirs].map((request) => reach(request, ({ phase }) => phase === VerificationPhase.Done)))
  return emoji
}

const wordsOf = ({ sas }: ShowSasCallbacks) => (sas.emoji ?? []).map(([, name]) => name).join(' ')

function nextRequest({ client }: Device): Promise<VerificationRequest> {
  return new Promise((resolve) => void client.once(CryptoEvent.VerificationRequestReceived, resolve))
}

function showing(verifier: Verifier): Promise<ShowSasCallbacks> {
  const already = verifier.getShowSasCallbacks()
  return already ? Promise.resolve(already) : new Promise((resolve) => void verifier.once(VerifierEvent.ShowSas, resolve))
}

function reach(request: VerificationRequest, isThere: (request: VerificationRequest) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (isThere(request)) resolve()
      else if (request.phase === VerificationPhase.Cancelled) reject(new Error(`cancelled: ${request.cancellationCode}`))
    }
    request.on(VerificationRequestEvent.Change, look)
    look()
  })
}
