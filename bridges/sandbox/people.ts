import type { PersonInfo, PersonView, SandboxControl, SayOptions, SeenMessage, SendInput } from './control.ts'
import type { PersonInput } from './world.ts'

/** A scripted person of one network. */
export interface ScriptedPerson {
  readonly info: PersonInfo
  /** Writes to the business; the id of the message. */
  says(text: string, options?: SayOptions): Promise<string>
  /** Sends files, a place or contact cards; the id of the message. */
  sends(input: SendInput): Promise<string>
  /** What stands in their chat. */
  sees(): Promise<SeenMessage[]>
  view(): Promise<PersonView>
  /** Opens the chat. */
  reads(): Promise<void>
  reacts(id: string, emoji?: string): Promise<void>
  edits(id: string, text: string): Promise<void>
  unsends(id: string): Promise<void>
  /** Switches their phone on or off, or blocks the business. */
  becomes(state: { online?: boolean; blocksBusiness?: boolean }): Promise<void>
}

/** Brings a person into a sandbox; who is already there under that number or name is the same person. */
export async function createScriptedPerson(control: SandboxControl, input: PersonInput): Promise<ScriptedPerson> {
  const info = await control.addPerson(input)
  const who = { network: info.network, person: info.id }
  return {
    info,
    says: async (text, options = {}) => (await control.say({ ...who, text, ...options })).id,
    sends: async (input) => (await control.send({ ...who, ...input })).id,
    sees: async () => (await control.view(who)).messages,
    view: () => control.view(who),
    reads: () => control.read(who),
    reacts: (id, emoji) => control.react({ ...who, id, ...(emoji === undefined ? {} : { emoji }) }),
    edits: (id, text) => control.edit({ ...who, id, text }),
    unsends: (id) => control.unsend({ ...who, id }),
    becomes: (state) => control.setPerson({ ...who, ...state }),
  }
}
