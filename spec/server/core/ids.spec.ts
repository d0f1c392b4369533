import { expect } from 'chai'
import {
  fitsBytes,
  isEventId,
  isLocalpart,
  isRoomAlias,
  isRoomId,
  isServerName,
  isUserId,
  localpartOf,
  parseMxc,
  serverNameOf,
} from '../../../server/core/ids.ts'

const notStrings = [undefined, null, 7, {}, ['@a:b'], true]

describe('identifiers', () => {
  it('know the server names of the specification', () => {
    for (const name of [
      'matrix.org',
      'matrix.org:8888',
      '1.2.3.4',
      '1.2.3.4:1234',
      '[1234:5678::abcd]',
      '[1234:5678::abcd]:5678',
      'a',
      'A-b.C',
    ]) {
      expect(isServerName(name), name).to.equal(true)
    }
  })

  it('refuse what is no server name', () => {
    const wrong = [
      '',
      ':80',
      'a:',
      'a:123456',
      'a:8o',
      'a_b',
      'a/b',
      'a b',
      'a@b',
      '[abc]',
      '[1::2',
      '1::2',
      'é.org',
      'a\n',
      `${'a'.repeat(256)}`,
    ]
    for (const name of [...wrong, ...notStrings]) expect(isServerName(name), String(name)).to.equal(false)
  })

  it('give new users the strict grammar', () => {
    for (const localpart of ['alice', 'a.b_c=d-e/f+0']) expect(isLocalpart(localpart), localpart).to.equal(true)
    for (const localpart of ['', 'Alice', 'al ice', 'al:ice', 'älice', 'a*', 'a'.repeat(255), ...notStrings]) {
      expect(isLocalpart(localpart), String(localpart)).to.equal(false)
    }
  })

  it('accept the historical user ids of others', () => {
    for (const id of ['@alice:b', '@Alice:b', '@:b', '@älice !:b.test:8448', '@a\u0001:b', '@😀:b']) expect(isUserId(id), id).to.equal(true)
  })

  it('refuse what is no user id', () => {
    for (const id of ['alice:b', '@alice', '@alice:', '@a:b:c', '@a\0:b', '@a\ud800:b', '#alice:b', '@', ...notStrings]) {
      expect(isUserId(id), String(id)).to.equal(false)
    }
  })

  it('hold at most 255 bytes, not characters', () => {
    expect(isUserId(`@${'a'.repeat(252)}:b`)).to.equal(true)
    expect(isUserId(`@${'a'.repeat(253)}:b`)).to.equal(false)
    expect(isUserId(`@${'é'.repeat(126)}:b`)).to.equal(true)
    expect(isUserId(`@${'é'.repeat(127)}:b`)).to.equal(false)
    expect(isRoomId(`!${'a'.repeat(254)}`)).to.equal(true)
    expect(isRoomId(`!${'a'.repeat(255)}`)).to.equal(false)
  })

  it('know room ids with a domain and without', () => {
    for (const id of ['!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ', '!room:server', '!odd id:server'])
      expect(isRoomId(id), id).to.equal(true)
    for (const id of ['!', 'room:server', '#room:server', '!a\0', '!\udc00', ...notStrings])
      expect(isRoomId(id), String(id)).to.equal(false)
  })

  it('know event ids of every room version', () => {
    for (const id of ['$1:server', '$acR1l0raoZnm60CBwAVgqbZqoO/mYU81xysh1u7XcJk', '$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg']) {
      expect(isEventId(id), id).to.equal(true)
    }
    for (const id of ['$', 'event', '!event', ...notStrings]) expect(isEventId(id), String(id)).to.equal(false)
  })

  it('know room aliases', () => {
    for (const id of ['#room:server', '#odd alias/é:server']) expect(isRoomAlias(id), id).to.equal(true)
    for (const id of ['#room', '!room:server', '#a\0:b', ...notStrings]) expect(isRoomAlias(id), String(id)).to.equal(false)
  })

  it('come apart at their first colon', () => {
    expect(serverNameOf('@alice:[::1]:8448')).to.equal('[::1]:8448')
    expect(localpartOf('#room:server:80')).to.equal('room')
    expect(serverNameOf('@alice')).to.equal('')
    expect(localpartOf('@alice')).to.equal('alice')
  })

  it('take media URIs apart', () => {
    expect(parseMxc('mxc://server:80/abc_DEF-9')).to.deep.equal({ serverName: 'server:80', mediaId: 'abc_DEF-9' })
    const wrong = [
      'mxc://server',
      'mxc://server/',
      'mxc:///id',
      'mxc://server/../x',
      'mxc://server/a/b',
      'https://server/id',
      'mxc://server/a?b',
      '',
    ]
    for (const uri of [...wrong, ...notStrings]) expect(parseMxc(uri), String(uri)).to.equal(undefined)
  })

  it('count bytes of UTF-8', () => {
    expect(fitsBytes('€€', 6)).to.equal(true)
    expect(fitsBytes('€€', 5)).to.equal(false)
    expect(fitsBytes('', 0)).to.equal(true)
  })
})
