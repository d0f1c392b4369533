import { decimal, group, integer } from './key.ts'

function limit(words: string, perSecond: number, burst: number) {
  return group(words, {
    per_second: decimal('How many a second, in the long run.', perSecond, { from: 0.0001, to: 1_000_000 }),
    burst_count: integer('How many at once.', burst, { from: 1, to: 1_000_000 }),
  })
}

/** How often something may be done, under the names and with the defaults that operators know. */
export const rateLimits = {
  rc_message: limit('Messages and other events, by user.', 0.2, 10),
  rc_registration: limit('Accounts made, by address.', 0.17, 3),
  rc_registration_token_validity: limit('Questions whether a registration token is good, by address.', 0.1, 5),
  rc_login: group('Logging in.', {
    address: limit('Tries, by address.', 0.003, 5),
    account: limit('Tries, by account.', 0.003, 5),
    failed_attempts: limit('Wrong passwords, by account.', 0.17, 3),
  }),
  rc_joins: group('Joining and knocking.', { local: limit('By one user.', 0.1, 10) }),
  rc_invites: group('Inviting.', {
    per_room: limit('Into one room.', 0.3, 10),
    per_user: limit('One user, by whomever.', 0.003, 5),
    per_issuer: limit('By one user.', 0.3, 10),
  }),
  rc_3pid_validation: limit('Asking for a third-party identifier to be verified, by address.', 0.003, 5),
  rc_reports: limit('Reports, by user.', 1, 5),
  rc_room_creation: limit('Rooms made, by user.', 0.016, 10),
  rc_media_create: limit('Media announced before it is uploaded, by user.', 10, 50),
  rc_user_directory: limit('Searches for people, by user.', 0.016, 200),
  rc_delayed_event_mgmt: limit('Sending, cancelling and restarting delayed events, by user or address.', 1, 5),
  rc_other: limit('Everything else that is limited, by user or address.', 20, 200),
}
