import { expect } from 'chai'
import type { Endpoint } from '../../../server/http/endpoint.ts'
import { areaOf, buildPathTree, decodeSegment, type Found } from '../../../server/http/path-tree.ts'

function route(method: Endpoint['method'], path: string, ...aliases: string[]): Endpoint {
  return { method, path, aliases, operationId: `${method} ${path}`, auth: 'none', body: 'none', handle: () => undefined }
}

const tree = buildPathTree([
  route('GET', '/rooms/{roomId}/state/{eventType}/{stateKey}'),
  route('PUT', '/rooms/{roomId}/state/{eventType}/{stateKey}'),
  route('GET', '/rooms/{roomId}/messages', '/r0/rooms/{roomId}/messages'),
  route('GET', '/rooms/special/messages'),
  route('GET', '/pushrules/'),
  route('GET', '/download/{server}/{path*}'),
])

const named = (found: Found) => found.leaf?.endpoint.operationId
const segments = (found: Found) => (found.leaf ? found.raw : undefined)

describe('buildPathTree', () => {
  it('takes the segments of a path as they were sent, an encoded slash inside one of them', () => {
    const found = tree.find('GET', '/rooms/!a%2Fb:c/state/m.room.member/@x:y')
    expect(segments(found)).to.deep.equal(['!a%2Fb:c', 'm.room.member', '@x:y'])
  })
  it('lets an empty last segment fill a parameter, and no other', () => {
    expect(segments(tree.find('GET', '/rooms/!a/state/m.room.name/'))).to.deep.equal(['!a', 'm.room.name', ''])
    expect(named(tree.find('GET', '/rooms//messages'))).to.equal(undefined)
    expect(named(tree.find('GET', '/rooms/!a/state//x'))).to.equal(undefined)
  })
  it('prefers what is written out, and comes back to a parameter where that leads nowhere', () => {
    expect(named(tree.find('GET', '/rooms/special/messages'))).to.equal('GET /rooms/special/messages')
    expect(segments(tree.find('GET', '/rooms/special/state/a/b'))).to.deep.equal(['special', 'a', 'b'])
  })
  it('finds an endpoint by its aliases, and HEAD where there is GET', () => {
    expect(named(tree.find('GET', '/r0/rooms/!a/messages'))).to.equal('GET /rooms/{roomId}/messages')
    expect(named(tree.find('HEAD', '/rooms/!a/messages'))).to.equal('GET /rooms/{roomId}/messages')
  })
  it('gives all segments that are left to a parameter that takes the rest', () => {
    expect(segments(tree.find('GET', '/download/s/a/b%2Fc'))).to.deep.equal(['s', 'a/b%2Fc'])
  })
  it('tells which verbs a path knows when it does not know this one', () => {
    expect(tree.find('POST', '/rooms/!a/state/x/y')).to.deep.equal({ leaf: undefined, allowed: ['GET', 'PUT'] })
    expect(tree.find('GET', '/rooms/!a/other')).to.deep.equal({ leaf: undefined, allowed: [] })
  })
  it('knows no path with a slash, a dot segment or a segment too many', () => {
    for (const path of [
      '/rooms/!a/messages/',
      '/rooms/!a/./messages',
      '//rooms/!a/messages',
      '/rooms/!a/messages;x',
      '/pushrules',
      'http://h/pushrules/',
      '*',
    ]) {
      expect(named(tree.find('GET', path)), path).to.equal(undefined)
    }
  })
  it('knows no path outside of /_matrix that some reverse proxy might take for one inside', () => {
    const admins = buildPathTree([route('GET', '/_synapse/admin/{name}'), route('GET', '/_matrix/x/{name}')])
    for (const steps of ['..%2f..%2f_matrix', '%2E%2e%2F_matrix', 'a%5c..', '.%2e', 'x%2f..%2f', '..']) {
      expect(admins.find('GET', `/_synapse/admin/${steps}`), steps).to.deep.equal({ leaf: undefined, allowed: [] })
      expect(segments(admins.find('GET', `/_matrix/x/${steps}`))).to.deep.equal([steps])
    }
    for (const name of ['@a%2Fb:c', '%21a..b', '..a', 'a%2F..b'])
      expect(segments(admins.find('GET', `/_synapse/admin/${name}`))).to.deep.equal([name])
  })
  it('refuses two endpoints at one path', () => {
    expect(() => buildPathTree([route('GET', '/a/{x}'), route('GET', '/b', '/a/{y}')])).to.throw('mounted twice')
  })
})

describe('decodeSegment', () => {
  it('decodes once, and not what is broken or no UTF-8', () => {
    expect(decodeSegment('%2541%20b')).to.equal('%41 b')
    for (const broken of ['%', '%4', '%zz', '%ff', '%c0%af', 'a%00']) expect(decodeSegment(broken), broken).to.equal(undefined)
  })
})

describe('areaOf', () => {
  it('tells what a listener has to serve for a path', () => {
    const areas = [
      '/_matrix/client/v3/sync',
      '/_matrix/client/v1/media/config',
      '/_matrix/key/v2/server',
      '/_synapse/admin/v1/register',
      '/health',
    ]
    expect(areas.map(areaOf)).to.deep.equal(['client', 'media', 'federation', 'admin', 'all'])
  })
})
