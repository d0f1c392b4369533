import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import type { UserId } from '../../../server/core/ids.ts'
import type { AppService } from '../../../server/http/endpoint.ts'
import type { Audience } from '../../../server/slice.ts'
import { sendToDevice } from '../../../server/to-device/send-to-device.ts'
import { toDeviceSection } from '../../../server/to-device/to-device.sync.ts'
import { forEachEngine, type Opened } from '../../support/storage.ts'

const service = { id: 'bridge', url: 'http://bridge.test', receiveEphemeral: true } as unknown as AppService
const audience: Audience = { kind: 'appservice', service }

forEachEngine('to-device messages for an application service', (open) => {
  const start = async (devices: readonly string[]) => {
    const opened = await open()
    const home = { ...opened, clock: { now: () => 1, sleep: async () => undefined }, serverName: 'hs.test', random: randomBytes }
    const people = {
      devicesOf: async (userIds: readonly UserId[]) => new Map(userIds.map((userId) => [userId, devices.map(nameless)])),
      exclusiveServiceOf: (userId: UserId) => (userId.startsWith('@ghost') ? service : undefined),
    }
    const deliver = sendToDevice({ home, people })
    let sent = 0
    const send = (userId: UserId, deviceId: string, n: number) =>
      deliver({
        sender: '@alice:hs.test',
        session: 's',
        path: `${sent++}`,
        type: 't',
        messages: new Map([[userId, new Map([[deviceId, { n }]])]]),
      })
    return { opened, send, section: toDeviceSection(opened) }
  }
  const between = ({ notifier }: Opened, after: number) => ({
    audience,
    after,
    upTo: notifier.position(),
    rows: undefined,
    rooms: new Set<never>(),
    newRooms: new Set<never>(),
  })

  it('say to whom they are, for all of its users and nobody else', async () => {
    const { opened, send, section } = await start(['D'])
    await send('@ghost1:hs.test', 'D', 1)
    await send('@bob:hs.test', 'D', 2)
    await send('@ghost2:hs.test', 'D', 3)
    const piece = await section.between(between(opened, 0))
    const event = (n: number, to: string) => ({ type: 't', sender: '@alice:hs.test', content: { n }, to_user_id: to, to_device_id: 'D' })
    expect(piece?.toDevice).to.deep.equal([event(1, '@ghost1:hs.test'), event(3, '@ghost2:hs.test')])
  })

  it('are gone for the device too when the service has acknowledged them', async () => {
    const { opened, send, section } = await start(['D'])
    await send('@ghost1:hs.test', 'D', 1)
    await section.acknowledge!(audience, opened.notifier.position())
    const device: Audience = { kind: 'device', userId: '@ghost1:hs.test', deviceId: 'D' }
    expect(await section.between({ ...between(opened, 0), audience: device })).to.equal(undefined)
    expect(await section.between(between(opened, 0))).to.equal(undefined)
  })

  it('come in batches that end between two positions, however many devices a user has', async () => {
    const devices = Array.from({ length: 130 }, (_, at) => `D${at}`)
    const { opened, send, section } = await start(devices)
    await send('@ghost1:hs.test', '*', 1)
    await send('@ghost1:hs.test', 'D0', 2)
    const first = await section.between(between(opened, 0))
    expect(first?.toDevice).to.have.length(130)
    const second = await section.between(between(opened, first!.toDeviceUpTo!))
    expect(second?.toDevice?.map(({ content }) => content)).to.deep.equal([{ n: 2 }])
    expect(second?.toDeviceUpTo).to.equal(undefined)
  })
})

function nameless(deviceId: string) {
  return { deviceId, displayName: undefined, lastSeenIp: undefined, lastSeenAt: undefined }
}
