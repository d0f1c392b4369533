const byteOrderMarks: readonly [string, string][] = [
  ['efbbbf', 'utf-8'],
  ['feff', 'utf-16be'],
  ['fffe', 'utf-16le'],
]

/**
 * The text of a page in the encoding that its first bytes, its Content-Type or itself names; otherwise UTF-8 if it is that, or else what the
 * web takes for Latin 1. https://html.spec.whatwg.org/multipage/parsing.html#determining-the-character-encoding
 */
export function decodePage(bytes: Buffer, contentType: string | undefined): string {
  const marked = byteOrderMarks.find(([mark]) => bytes.subarray(0, mark.length / 2).toString('hex') === mark)?.[1]
  const told = /;\s*charset\s*=\s*"?\s*([^\s";]{1,40})/i.exec(contentType ?? '')?.[1]
  const decoder = decoderOf(marked) ?? decoderOf(told) ?? decoderOf(namedInside(bytes))
  if (decoder) return decoder.decode(bytes)
  try {
    // The last letter may be cut off.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

function decoderOf(label: string | undefined): InstanceType<typeof TextDecoder> | undefined {
  try {
    return label === undefined ? undefined : new TextDecoder(label)
  } catch {
    return undefined
  }
}

/** What could be read to find the name is no UTF-16, whatever the name says. */
function namedInside(bytes: Buffer): string | undefined {
  const start = bytes.toString('latin1', 0, 1024)
  const label =
    /<meta\s[^>]{0,200}?charset\s*=\s*["']?\s*([\w:-]{1,40})/i.exec(start)?.[1] ??
    /^\s*<\?xml\s[^>]{0,100}?encoding\s*=\s*["']([\w:-]{1,40})/i.exec(start)?.[1]
  return label && /^utf-?16/i.test(label) ? 'utf-8' : label
}
