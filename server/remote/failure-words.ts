/** What the codes of failed connections mean. */
const meanings: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at its address and port',
  ECONNRESET: 'it broke the connection off',
  EPIPE: 'it broke the connection off',
  UND_ERR_SOCKET: 'it broke the connection off',
  ENOTFOUND: 'its name has no address in the DNS',
  EAI_AGAIN: 'the DNS does not answer',
  ETIMEOUT: 'the DNS does not answer',
  ESERVFAIL: 'the DNS cannot say where its name leads',
  EHOSTUNREACH: 'there is no way to its address',
  ENETUNREACH: 'there is no way to its network',
  EADDRNOTAVAIL: 'there is no way to its address',
  ETIMEDOUT: 'it does not answer at its address and port',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer at its address and port',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  CERT_REVOKED: 'its certificate was revoked',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate vouches for itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an authority that is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'it does not send the chain of its certificate',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate comes from an authority that is not known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from an authority that is not known here',
  EPROTO: 'it does not speak TLS as this server does',
}

/** A failed connection in words, with the code that says the same to those who know it. */
export function failureWords(code: unknown): string {
  if (typeof code !== 'string') return 'the server could not be reached'
  const meaning =
    meanings[code] ?? (code.startsWith('ERR_SSL_') ? meanings['EPROTO'] : code.startsWith('HPE_') ? 'it does not speak HTTP' : undefined)
  return meaning === undefined ? code : `${meaning} (${code})`
}
