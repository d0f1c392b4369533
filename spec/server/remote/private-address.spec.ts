import { expect } from 'chai'
import { isPrivateAddress } from '../../../server/remote/private-address.ts'

const inward = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1', '172.31.255.255'],
  ...['192.0.0.1', '192.168.1.1', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255', '203.0.113.7'],
  ...[
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '2002:7f00:1::',
  ],
  ...['2001::1', '2001:db8::1', 'fc00::1', 'fd12::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '100::1', '5f00::1'],
  ...['', 'localhost', '127.1', '0x7f.1', '1.2.3.4.5'],
]
const outward = [
  '1.1.1.1',
  '8.8.8.8',
  '100.63.255.255',
  '100.128.0.0',
  '172.15.0.1',
  '172.32.0.1',
  '2606:4700:4700::1111',
  '2a00:1450:4001::1',
]

describe('isPrivateAddress', () => {
  for (const address of inward) it(`holds ${address || 'nothing'} for private`, () => expect(isPrivateAddress(address)).to.equal(true))
  for (const address of outward) it(`holds ${address} for public`, () => expect(isPrivateAddress(address)).to.equal(false))
})
