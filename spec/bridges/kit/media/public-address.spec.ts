import { expect } from 'chai'
import { isLoopbackAddress, isPublicAddress } from '../../../../bridges/kit/media/public-address.ts'

describe('isPublicAddress', () => {
  const inside =
    '0.0.0.0 10.0.0.1 10.255.255.255 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 ' +
    '192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ' +
    '::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:10.0.0.1 64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:10::1 2001:db8::1 2002:7f00:1::1 3fff::1 5f00::1 ' +
    'fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1'
  const outside =
    '1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.167.1.1 223.255.255.255 2606:4700::1111 2a03:2880:f12f::1 2001:4860::8888'

  it('refuses this machine, local networks, documentation, multicast, and what carries an address inside', () => {
    for (const address of inside.split(' ')) expect(isPublicAddress(address), address).to.equal(false)
  })
  it('refuses the first and the last address of every range, also inside an address of version 6', () => {
    const ranges =
      '0.0.0.0-0.255.255.255 10.0.0.0-10.255.255.255 100.64.0.0-100.127.255.255 127.0.0.0-127.255.255.255 169.254.0.0-169.254.255.255 ' +
      '172.16.0.0-172.31.255.255 192.0.0.0-192.0.0.255 192.0.2.0-192.0.2.255 192.88.99.0-192.88.99.255 192.168.0.0-192.168.255.255 ' +
      '198.18.0.0-198.19.255.255 198.51.100.0-198.51.100.255 203.0.113.0-203.0.113.255 224.0.0.0-239.255.255.255 240.0.0.0-255.255.255.255'
    const all = ranges.split(/[ -]/).flatMap((dotted) => {
      const [a, b, c, d] = dotted.split('.').map(Number) as [number, number, number, number]
      const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
      const inside = [
        `::ffff:${dotted}`,
        `::${dotted}`,
        `::ffff:0:${dotted}`,
        `64:ff9b::${hex}`,
        `64:ff9b:1::${hex}`,
        `2002:${hex}::1`,
        `2001:0:${hex}::`,
      ]
      return [dotted, ...inside]
    })
    expect(all).to.have.length.above(200)
    for (const address of all) expect(isPublicAddress(address), address).to.equal(false)
  })
  it('takes the addresses of the internet', () => {
    for (const address of outside.split(' ')) expect(isPublicAddress(address), address).to.equal(true)
  })
  it('takes nothing that is no address', () => {
    for (const text of ['', 'localhost', '2130706433', '0x7f000001', '127.1', '1.1.1', 'example.org']) {
      expect(isPublicAddress(text), text).to.equal(false)
      expect(isLoopbackAddress(text), text).to.equal(false)
    }
  })
})
