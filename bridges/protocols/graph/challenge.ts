import { createHash, timingSafeEqual } from 'node:crypto'

export type ChallengeAnswer = { status: 200; body: string } | { status: 403 }

/**
 * Answers Meta's verification of a webhook address: 200 with the challenge as plain text when the verify token is ours, 403 otherwise. `query` is
 * the parsed query string; a repeated or nested parameter is refused.
 */
export function answerChallenge(query: Readonly<Record<string, unknown>>, verifyToken: string): ChallengeAnswer {
  const token = query['hub.verify_token']
  const challenge = query['hub.challenge']
  if (query['hub.mode'] !== 'subscribe' || verifyToken === '' || typeof token !== 'string' || typeof challenge !== 'string')
    return { status: 403 }
  if (!/^[A-Za-z0-9_-]{1,256}$/.test(challenge) || !sameSecret(token, verifyToken)) return { status: 403 }
  return { status: 200, body: challenge }
}

function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
