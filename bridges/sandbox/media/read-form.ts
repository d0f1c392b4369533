export interface UploadedFile {
  name: string
  mime: string
  bytes: Buffer
}

export interface Form {
  fields: Readonly<Record<string, string>>
  files: ReadonlyMap<string, UploadedFile>
}

/** A multipart form; undefined when it is none. A type that the `type` field names wins over that of the part, as with Meta. */
export async function readForm(contentType: string, body: Buffer): Promise<Form | undefined> {
  try {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData()
    const fields: Record<string, string> = {}
    const files = new Map<string, UploadedFile>()
    for (const [name, value] of form) {
      if (typeof value === 'string') fields[name] = value
      else files.set(name, { name: value.name, mime: plainType(value.type), bytes: Buffer.from(await value.arrayBuffer()) })
    }
    return { fields, files }
  } catch {
    return undefined
  }
}

/** A media type without its parameters. */
export function plainType(type: string): string {
  return type.replace(/;.*$/s, '').trim().toLowerCase()
}
