/** `since` when an item of the inbox is here; `late`: its message is in the room already, but for files that could not be had then. */
export type Moment = { readonly since: number; readonly late: boolean }
