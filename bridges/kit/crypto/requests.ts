import type { JsonObject } from './json.ts'

/** user → device → content. */
export type ToDeviceMessages = Record<string, Record<string, JsonObject>>

/**
 * The requests that encryption makes, done over HTTP by the kit as the given user (and device). Each rejects when the server did not
 * answer with success; it is then made again with the same arguments. Responses are passed on as they came: they are checked here.
 */
export type MatrixRequests = {
  /** `PUT /devices/{deviceId}` as an application service: creates the device, or renames it. */
  createDevice(userId: string, deviceId: string, displayName: string): Promise<unknown>
  /** `POST /keys/upload`. */
  uploadKeys(userId: string, deviceId: string, body: JsonObject): Promise<unknown>
  /** `POST /keys/device_signing/upload`, without user-interactive auth. */
  uploadCrossSigning(userId: string, body: JsonObject): Promise<unknown>
  /** `POST /keys/signatures/upload`. */
  uploadSignatures(userId: string, body: JsonObject): Promise<unknown>
  /** `POST /keys/query` for all devices of `users`. */
  queryKeys(asUser: string, users: string[]): Promise<unknown>
  /** `POST /keys/claim`; `oneTimeKeys` is its `one_time_keys`. */
  claimKeys(asUser: string, asDevice: string, oneTimeKeys: Record<string, Record<string, string>>): Promise<unknown>
  /** `PUT /sendToDevice/{eventType}/{txnId}`. */
  sendToDevice(asUser: string, asDevice: string, eventType: string, txnId: string, messages: ToDeviceMessages): Promise<unknown>
}
