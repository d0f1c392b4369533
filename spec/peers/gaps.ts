import type { Other } from './homeservers.ts'

/** What another server does not do: the full titles of the suites or tests that ask for it, and why they are skipped. */
const gaps: Readonly<Record<Other, readonly (readonly [titles: RegExp, why: string])[]>> = {
  synapse: [],
  dendrite: [
    [/^a policy server/, 'it asks no policy server'],
    [/^invitations by third-party/, 'it names them otherwise in versions 11 and 12, hands none on, and asks nobody for the key'],
    [/nothing is signed is one/, 'it makes no such events, and names and signs those of others otherwise in versions 11 and 12'],
    [/^the keys of servers, .* of one that is gone/, 'as a notary it remembers only what it was asked for as one'],
    [/^anything at all/, 'it resolves some forks otherwise than Synapse and Tombolo'],
    [/a knock is/, 'it has no knocks'],
    [/made on Tombolo, .* others knock$/, 'it has no knocks'],
    [/invitation is withdrawn$/, 'it tells nobody, and does not believe it where it cannot read the room'],
    [/version 1[12], .* takes back/, 'it looks for what is redacted where room versions up to 10 have it'],
    [/version 12, .* made on dendrite, .* from the first word on$/, 'it gives no history of rooms whose ids name no server'],
    [/made on dendrite, .* a ban stands against/, 'it shows what it has soft-failed to who scrolls back'],
    [/made on Tombolo, .* outside a space/, 'it has no room summaries'],
  ],
}

/** Why another server does not pass a test; undefined where it has to. */
export function gapOf(other: Other, title: string): string | undefined {
  return gaps[other].find(([titles]) => titles.test(title))?.[1]
}
