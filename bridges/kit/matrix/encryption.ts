/** What the kit asks of end-to-bridge encryption. */
export type Encryption = {
  /** Encrypts as the user, for those in the room, making the user's device with the first message. The same transaction id gives the same bytes. Undefined in a room that is not encrypted. */
  encrypt(
    sender: string,
    room: string,
    txn: string,
    type: string,
    content: Readonly<Record<string, unknown>>,
  ): Promise<Encrypted | undefined>
  /** What was encrypted once stays so, whatever the homeserver says of it later. */
  isEncrypted(room: string): Promise<boolean>
  /** Decrypts with the bot's device. */
  decrypt(event: EncryptedEvent): Decrypted
  /** Takes over a transaction's to-device events, key counts and device lists, and runs `also` in the same write. */
  receive(transaction: Readonly<Record<string, unknown>>, also: () => void): void
  /** Makes the bot's device and identity, once. */
  start(): Promise<void>
  close(): Promise<void>
}
export type Encrypted = { readonly content: Readonly<Record<string, unknown>>; readonly device: string }
export type EncryptedEvent = {
  readonly event_id: string
  readonly room_id: string
  readonly sender: string
  readonly content: Readonly<Record<string, unknown>>
  readonly origin_server_ts?: number
}
export type Decrypted =
  | { readonly kind: 'clear'; readonly type: string; readonly content: Readonly<Record<string, unknown>> }
  /** The key may still come. */
  | { readonly kind: 'no key' }
  | { readonly kind: 'refused'; readonly words: string }
