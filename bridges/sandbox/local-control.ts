import { type Network, networks, objectOf } from './accounts.ts'
import { deliverWaiting } from './arrival.ts'
import { type SandboxControl, SandboxError, type Who } from './control.ts'
import { type Faults, faultKinds, faultPlaces } from './faults.ts'
import { graphErrors, isErrorSpec } from './graph-error.ts'
import { send } from './media/person-sends.ts'
import { changeNumber, type Done, edit, react, read, say, sayFromInbox, unsend } from './person-actions.ts'
import type { Pusher } from './pusher.ts'
import { verifyCallback } from './subscribe.ts'
import { infoOf, viewOf } from './view.ts'
import type { Person, World } from './world.ts'

/** The control of a sandbox in this process. */
export function createLocalControl(world: World, pusher: Pusher, faults: Faults): SandboxControl {
  const find = ({ network, person: reference }: Who): Person => {
    const person = world.findPerson(network, reference)
    if (!person) throw new SandboxError(`nobody on ${network} is called so`)
    return person
  }
  const report = (network: Network, { id, happenings }: Done) => {
    for (const happening of happenings) pusher.push(network, happening)
    return { id }
  }
  return {
    accounts: async () => world.accounts,
    addPerson: async (input) => infoOf(world.addPerson(input)),
    say: async (input) => report(input.network, say(world, find(input), input.text, input)),
    send: async (input) => report(input.network, send(world, find(input), input)),
    edit: async (input) => void report(input.network, edit(world, find(input), input.id, input.text)),
    unsend: async (input) => void report(input.network, unsend(world, find(input), input.id)),
    react: async (input) => void report(input.network, react(world, find(input), input.id, input.emoji)),
    read: async (input) => void report(input.network, read(world, find(input))),
    view: async (input) => viewOf(world, find(input)),
    sayFromInbox: async (input) => report(input.network, sayFromInbox(world, find(input), input.text)),
    async setPerson({ online, blocksBusiness, ...who }) {
      const person = find(who)
      person.online = online ?? person.online
      person.blocksBusiness = blocksBusiness ?? person.blocksBusiness
      report(who.network, { id: '', happenings: deliverWaiting(world, person) })
    },
    changeNumber: async (input) => void report(input.network, changeNumber(world, find(input))),
    async setWebhook({ object, url, verifyToken, appSecret }) {
      const network = networks.find((one) => objectOf[one] === object)
      const problem = network ? await verifyCallback(url, verifyToken) : 'there is no such object'
      if (!network || problem !== undefined) throw new SandboxError(`the webhook was not taken: ${problem}`)
      pusher.subscribe(network, { url, appSecret: appSecret ?? world.accounts[network].appSecret })
    },
    async setDelivery({ network, ...mode }) {
      if (mode.batch === 0 || (mode.extraCopies ?? 0) > 100)
        throw new SandboxError('a batch holds one at least, and copies are at most 100')
      pusher.configure(network, mode)
    },
    async setFault({ network, kind, at = 'send', when = 'before', times = 1, error = graphErrors.serverError }) {
      if (!faultKinds.includes(kind) || !faultPlaces.includes(at) || !['before', 'after'].includes(when) || !isErrorSpec(error))
        throw new SandboxError('there is no such fault')
      faults.add(network, { kind, at, when, times, error })
    },
    async setToken({ network, expired, revoked, expiresInMs }) {
      const now = world.clock.now()
      if (revoked) world.tokenEnds.set(network, 'revoked')
      else if (expired) world.tokenEnds.set(network, now)
      else if (expiresInMs !== undefined) world.tokenEnds.set(network, now + expiresInMs)
      else world.tokenEnds.delete(network)
    },
    setCoexistence: async ({ on }) => {
      world.coexistence = on
    },
    settle: ({ network }) => pusher.settle(network),
    stats: async ({ network }) => pusher.stats(network),
    advance: async ({ ms }) => world.clock.advance(ms),
  }
}
