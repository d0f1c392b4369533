import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import { addFormats } from './formats.ts'

type Node = { readonly [key: string]: Node }
/** What the specification says of an operation: where its responses stand, and for which paths it is. */
export type Operation = { readonly operationId: string; readonly file: string; readonly pointer: readonly string[] }
type Route = { readonly method: string; readonly segments: readonly string[]; readonly operation: Operation }
/** The schema of an answer: none where the specification shows no JSON. */
export type Answer = { readonly validate: ValidateFunction | undefined; readonly isJson: boolean }

/** The OpenAPI files of the client-server API below a folder: which operation a request is, and the schemas of its answers. */
export function readSpecification(data: string) {
  const ajv = addFormats(new Ajv2020({ strict: false, validateSchema: false, allErrors: true, inlineRefs: false, logger: false }))
  const documents = new Map<string, Node>()
  const answers = new Map<string, Answer | undefined>()

  function load(file: string): Node {
    const known = documents.get(file)
    if (known) return known
    const text = readFileSync(fileURLToPath(file), 'utf8')
    const document = { ...parse(text), $id: file } as Node
    documents.set(file, document)
    ajv.addSchema(document)
    for (const [, ref = ''] of text.matchAll(/\$ref["']?: *["']?([^"'#\s}]+\.ya?ml)/g)) {
      if (!ref.includes('examples/')) load(new URL(ref, file).href)
    }
    return document
  }

  /** A node by its pointer, or what it refers to. */
  function find(file: string, pointer: readonly string[]): { file: string; pointer: readonly string[]; node: Node } | undefined {
    const node = pointer.reduce<Node | undefined>((at, name) => at?.[name], load(file))
    if (node?.['$ref'] === undefined) return node && { file, pointer, node }
    const [target = '', inside = ''] = String(node['$ref']).split('#')
    return find(new URL(target, file).href, inside.split('/').slice(1).map(unescapePointer))
  }

  function errorsOf(file: string): ValidateFunction {
    load(file)
    const validate = ajv.getSchema(file)
    if (!validate) throw new Error(`${file} is no schema`)
    return validate
  }

  const routes = globSync('api/client-server/*.yaml', { cwd: data }).flatMap((name) => {
    const file = pathToFileURL(join(data, name)).href
    return routesOf(file, load(file))
  })

  return {
    operations: routes.map(({ operation }) => operation.operationId),
    errors: errorsOf(pathToFileURL(join(data, 'api/client-server/definitions/errors/error.yaml')).href),
    /** The operation that a request asks for; parameters give way to words. */
    operationOf: (method: string, path: string): Operation | undefined => matching(routes, method, path),
    /** What an operation answers with a status; undefined where the specification does not say. */
    answerOf({ file, pointer }: Operation, status: number): Answer | undefined {
      const key = `${file} ${pointer.join(' ')} ${status}`
      if (!answers.has(key)) {
        const found = find(file, [...pointer, 'responses', String(status)])
        const isJson = found?.node['content']?.['application/json'] !== undefined
        const at = [...(found?.pointer ?? []), 'content', 'application/json', 'schema'].map(escapePointer).join('/')
        answers.set(key, found && { isJson, validate: isJson ? ajv.getSchema(`${found.file}#/${at}`) : undefined })
      }
      return answers.get(key)
    },
  }
}

function routesOf(file: string, document: Node): Route[] {
  const [server] = document['servers'] as unknown as Node[]
  const base = server?.['variables']?.['basePath']?.['default'] as unknown as string
  return Object.entries(document['paths'] ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      segments: split(base + path),
      operation: { operationId: String(operation['operationId']), file, pointer: ['paths', path, method] },
    })),
  )
}

const split = (path: string) => path.replace(/\/$/, '').split('/')
const isParameter = (segment: string) => segment.startsWith('{')

function matching(routes: readonly Route[], method: string, path: string): Operation | undefined {
  const asked = split(path)
  // A state event whose key is empty is asked for without it.
  const padded = asked[4] === 'rooms' && asked[6] === 'state' && asked.length === 8 ? [...asked, ''] : asked
  const fitting = routes.filter(
    (route) =>
      route.method === method &&
      route.segments.length === padded.length &&
      route.segments.every((one, index) => isParameter(one) || one === padded[index]),
  )
  const parameters = ({ segments }: Route) => segments.filter(isParameter).length
  return fitting.sort((a, b) => parameters(a) - parameters(b))[0]?.operation
}

const unescapePointer = (part: string) => part.replaceAll('~1', '/').replaceAll('~0', '~')
const escapePointer = (part: string) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
