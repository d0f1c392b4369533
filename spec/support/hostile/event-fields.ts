/** The fields of state that somebody reads, by type. */
export const stateFields: Readonly<Record<string, readonly string[]>> = {
  'm.room.name': ['name'],
  'm.room.topic': ['topic', 'm.topic'],
  'm.room.avatar': ['url', 'info'],
  'm.room.canonical_alias': ['alias', 'alt_aliases'],
  'm.room.guest_access': ['guest_access'],
  'm.room.encryption': ['algorithm', 'rotation_period_ms'],
  'm.room.server_acl': ['allow', 'deny', 'allow_ip_literals'],
  'm.room.third_party_invite': ['display_name', 'public_keys', 'public_key'],
  'm.room.pinned_events': ['pinned'],
  'm.room.tombstone': ['replacement_room', 'body'],
  'm.space.child': ['via', 'order', 'suggested'],
  'm.room.member': ['displayname', 'avatar_url', 'is_direct', 'reason', 'third_party_invite', 'join_authorised_via_users_server'],
  'm.room.join_rules': ['join_rule', 'allow'],
  'm.room.history_visibility': ['history_visibility'],
  'm.room.power_levels': ['users', 'events', 'notifications', 'users_default', 'events_default', 'invite', 'ban', 'redact'],
}

/** The fields of what is said in a room that somebody reads, by type. */
export const saidFields: Readonly<Record<string, readonly string[]>> = {
  'm.room.message': ['msgtype', 'body', 'm.mentions', 'm.relates_to', 'm.new_content', 'url', 'info', 'format'],
  'm.room.encrypted': ['algorithm', 'ciphertext', 'm.relates_to'],
  'm.reaction': ['m.relates_to'],
  'm.room.redaction': ['redacts', 'reason'],
}
