import { statement } from '../storage/database.ts'

export type CrossSigningRow = { user_id: string; usage: string; public_key: string; content: string }
export type SignatureRow = { user_id: string; signed: string; signer: string; key_id: string; signature: string }

export const selectCrossSigningKeys = statement<[userIds: readonly string[]], CrossSigningRow>(
  `SELECT user_id, usage, public_key, content FROM cross_signing_keys
  WHERE user_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))`,
)

export const selectSameCrossSigningKey = statement<[userId: string, usage: string, publicKey: string], { usage: string }>(
  'SELECT usage FROM cross_signing_keys WHERE user_id = ? AND usage = ? AND public_key = ?',
)

export const selectCrossSigningKey = statement<[userId: string, usage: string], { usage: string }>(
  'SELECT usage FROM cross_signing_keys WHERE user_id = ? AND usage = ?',
)

export const insertCrossSigningKey = statement<[userId: string, usage: string, publicKey: string, content: string]>(
  'INSERT INTO cross_signing_keys (user_id, usage, public_key, content) VALUES (?, ?, ?, ?)',
)

export const deleteCrossSigningKey = statement<[userId: string, usage: string]>(
  'DELETE FROM cross_signing_keys WHERE user_id = ? AND usage = ?',
)

/** The signatures of users on their own keys. */
export const selectOwnSignatures = statement<[userIds: readonly string[]], SignatureRow>(
  `SELECT user_id, signed, signer, key_id, signature FROM key_signatures
  WHERE user_id IN (SELECT value FROM json_each(CAST(? AS TEXT))) AND signer = user_id`,
)

/** The signatures that one user made on the master keys of others. */
export const selectSignaturesOnMasters = statement<[userIds: readonly string[], signer: string], SignatureRow>(
  `SELECT s.user_id, s.signed, s.signer, s.key_id, s.signature
  FROM cross_signing_keys c JOIN key_signatures s ON s.user_id = c.user_id AND s.signed = c.public_key
  WHERE c.usage = 'master' AND c.user_id IN (SELECT value FROM json_each(CAST(? AS TEXT))) AND s.signer = ?`,
)

export const upsertSignature = statement<[userId: string, signed: string, signer: string, keyId: string, signature: string]>(
  `INSERT INTO key_signatures (user_id, signed, signer, key_id, signature) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (user_id, signed, signer, key_id) DO UPDATE SET signature = excluded.signature`,
)

export const deleteSignaturesOn = statement<[userId: string, signed: string]>('DELETE FROM key_signatures WHERE user_id = ? AND signed = ?')

export const deleteSignaturesBy = statement<[signer: string, keyId: string]>('DELETE FROM key_signatures WHERE signer = ? AND key_id = ?')

export const deleteCrossSigningKeysOfUser = statement<[userId: string]>('DELETE FROM cross_signing_keys WHERE user_id = ?')

export const deleteSignaturesOfUser = statement<[userId: string, signer: string]>(
  'DELETE FROM key_signatures WHERE user_id = ? OR signer = ?',
)

/** The signatures that one user made on keys of others. */
export const selectSignaturesBySigner = statement<[userIds: readonly string[], signer: string], SignatureRow>(
  `SELECT user_id, signed, signer, key_id, signature FROM key_signatures
  WHERE user_id IN (SELECT value FROM json_each(CAST(? AS TEXT))) AND signer = ?`,
)
