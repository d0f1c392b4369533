/** Streams of bytes that two readers could split into requests in two ways, by what is odd about them; `inner` is the request that one of them might see. */
export function splitStreams(host: string, inner: string): Readonly<Record<string, string>> {
  const post = (headers: string, body: string) => `POST /_matrix/client/v3/search HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n\r\n${body}`
  const chunk = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`
  return {
    'two lengths': post(`Content-Length: 0\r\nContent-Length: ${inner.length}`, inner),
    'two lengths in one': post(`Content-Length: 0, ${inner.length}`, inner),
    'a length and chunks': post(`Content-Length: ${inner.length}\r\nTransfer-Encoding: chunked`, `0\r\n\r\n${inner}`),
    'chunks and a length': post('Transfer-Encoding: chunked\r\nContent-Length: 4', chunk),
    'chunks twice': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', `0\r\n\r\n${inner}`),
    'chunks and nothing': post('Transfer-Encoding: chunked, identity', `0\r\n\r\n${inner}`),
    'a coding that there is not': post('Transfer-Encoding: xchunked', `0\r\n\r\n${inner}`),
    'a space before the colon': post('Transfer-Encoding : chunked', `0\r\n\r\n${inner}`),
    'a tab before the coding': post(`Content-Length: ${inner.length}\r\nTransfer-Encoding:\tchunked`, `0\r\n\r\n${inner}`),
    'a folded line': post(`Content-Length: ${inner.length}\r\nTransfer-Encoding:\r\n chunked`, `0\r\n\r\n${inner}`),
    'a header that is folded': post(`X-A: b\r\n Content-Length: ${inner.length}`, inner),
    'lines that end in LF alone': `POST /_matrix/client/v3/search HTTP/1.1\nHost: ${host}\nContent-Length: 0\nTransfer-Encoding: chunked\n\n0\n\n${inner}`,
    'CR inside a header': post(`X-A: b\rContent-Length: ${inner.length}`, inner),
    'NUL inside a header': post(`X-A: b\0\r\nContent-Length: ${inner.length}`, inner),
    'a negative length': post('Content-Length: -1', inner),
    'a length with a sign': post(`Content-Length: +${inner.length}`, inner),
    'a length in hex': post('Content-Length: 0x5', inner),
    'a length beyond all': post('Content-Length: 99999999999999999999', inner),
    'a chunk of a negative size': post('Transfer-Encoding: chunked', `-1\r\n${inner}\r\n0\r\n\r\n`),
    'a chunk of an endless size': post('Transfer-Encoding: chunked', `FFFFFFFFFFFFFFFFF\r\n${inner}\r\n0\r\n\r\n`),
    'a chunk that does not end': post('Transfer-Encoding: chunked', `3\r\nabcX\r\n0\r\n\r\n${inner}`),
    'a chunk that ends in LF alone': post('Transfer-Encoding: chunked', `0\n\n${inner}`),
    'no version': `GET /_matrix/client/versions\r\n\r\n${inner}`,
    'another version': `GET /_matrix/client/versions HTTP/2.0\r\nHost: ${host}\r\n\r\n${inner}`,
    'a space in the path': `GET /_matrix/client/ver sions HTTP/1.1\r\nHost: ${host}\r\n\r\n${inner}`,
    'no host': `GET /_matrix/client/versions HTTP/1.1\r\n\r\n`,
    'a header without a name': `GET /nothing HTTP/1.1\r\nHost: ${host}\r\n: x\r\n\r\n${inner}`,
  }
}
