import { basename, dirname } from 'node:path'
import type { Facts } from './facts.ts'

const [fileLines, functionLines, folderFiles] = [400, 60, 30]
const vague = /(^|[-.])(utils?|helpers?|types|manager|service|misc|common)([-.]|$)/

/** Files, functions and folders that grew too large. Migrations are tables of data, and their folder only ever grows. */
export function checkSizes(house: readonly Facts[]): string[] {
  const files = house.filter(({ path, lines }) => lines > fileLines && !path.includes('/migrations/'))
  const long = house.flatMap(({ path, functions }) =>
    functions.filter(({ lines }) => lines > functionLines).map((one) => ({ path, ...one })),
  )
  const grouped = Map.groupBy(house, ({ path }) => dirname(path))
  const full = [...grouped].filter(([folder, inside]) => inside.length > folderFiles && !folder.endsWith('/migrations'))
  const deep = house.filter(({ path }) => path.split('/').length - 1 > (path.startsWith('spec/') ? 4 : 3))
  return [
    ...files.map(({ path, lines }) => `${path} has ${lines} lines, more than ${fileLines}: split it along what it does`),
    ...long.map(
      ({ path, line, name, lines }) =>
        `${path}:${line} ${name} has ${lines} lines, more than ${functionLines}: name its steps and make them functions`,
    ),
    ...full.map(
      ([folder, inside]) => `${folder} has ${inside.length} files, more than ${folderFiles}: give those that belong together a folder`,
    ),
    ...deep.map(({ path }) => `${path} lies too deep: at most three folders, four under spec`),
  ]
}

/** What Node would run and a reader would not like. */
export function checkManners(house: readonly Facts[]): string[] {
  return house.flatMap(({ path, anys, defaultExports, isBarrel, imports }) => [
    ...anys.map((line) => `${path}:${line} says any: say what it is, or unknown and look`),
    ...defaultExports.map((line) => `${path}:${line} exports a default: export it by its name`),
    ...(isBarrel ? [`${path} only exports what others hold: import from where it stands`] : []),
    ...imports
      .filter(({ target }) => target !== undefined && !/\.(ts|mjs|json)$/.test(target))
      .map(({ line, from }) => `${path}:${line} imports ${from}: write its ending, .ts`),
    ...(/^[a-z0-9]+([-.][a-z0-9]+)*\.ts$/.test(basename(path)) ? [] : [`${path}: names of files are kebab-case`]),
    ...(vague.test(basename(path, '.ts')) ? [`${path}: a name that says everything says nothing; name the one thing it does`] : []),
  ])
}
