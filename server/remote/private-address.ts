import { BlockList, isIP } from 'node:net'

const private4: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]
/** What is local or special in itself, and what carries an IPv4 address inside (mapped, compatible, NAT64, 6to4, Teredo). */
const private6: readonly [string, number][] = [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['::ffff:0:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
]

// Two lists: in one, an IPv4 address would be looked for below ::ffff:0:0/96 too.
const blocked4 = listOf(private4, 'ipv4')
const blocked6 = listOf(private6, 'ipv6')

/** Whether an address is not one of the public internet: this machine, local networks, documentation, multicast. What is no address counts as private. */
export function isPrivateAddress(address: string): boolean {
  const bare = address.includes('%') ? address.slice(0, address.indexOf('%')) : address
  const family = isIP(bare)
  if (family === 4) return blocked4.check(bare, 'ipv4')
  return family === 6 ? blocked6.check(bare, 'ipv6') : true
}

function listOf(ranges: readonly [string, number][], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, family)
  return list
}
