import { randomInt } from 'node:crypto'
import { request } from 'undici'

/** Asks a webhook address for the challenge, as Meta does before it takes it. What is wrong, in words; undefined when it answered rightly. */
export async function verifyCallback(url: string, verifyToken: string): Promise<string | undefined> {
  const challenge = String(randomInt(100_000_000, 999_999_999))
  const target = URL.parse(url)
  if (!target || !/^https?:$/.test(target.protocol)) return 'The URL is not valid'
  const parameters = { 'hub.mode': 'subscribe', 'hub.challenge': challenge, 'hub.verify_token': verifyToken }
  for (const [name, value] of Object.entries(parameters)) target.searchParams.set(name, value)
  try {
    const reply = await request(target, { method: 'GET', signal: AbortSignal.timeout(5_000), reset: true })
    const text = await reply.body.text()
    if (reply.statusCode !== 200) return `HTTP Status Code = ${reply.statusCode}`
    return text === challenge ? undefined : 'The challenge does not match'
  } catch {
    return 'The URL could not be reached'
  }
}
