// Bundles shell.mjs, the interface and its styles into web/. Runs in the folder that install.sh made.
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { build } from 'esbuild'
import postcss from 'postcss'
import easings from 'postcss-easings'
import hexrgba from 'postcss-hexrgba'
import importing from 'postcss-import'
import mixins from 'postcss-mixins'
import nested from 'postcss-nested'
import scss from 'postcss-scss'
import variables from 'postcss-simple-vars'

const modules = resolve('node_modules')
const web = resolve('web')
const sdk = join(modules, 'matrix-react-sdk')

/** A picture is its address, and, for those who want to draw it themselves, a component named Icon. */
const pictures = {
  name: 'pictures',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /\.svg$/ }, async ({ path, resolveDir, kind }) => {
      if (kind === 'url-token') return undefined
      const file = path.startsWith('.') ? resolve(resolveDir, path) : join(modules, path)
      return { path: file, namespace: 'picture' }
    })
    onLoad({ filter: /.*/, namespace: 'picture' }, ({ path }) => {
      const [, attributes = '', inner = ''] = /<svg([^>]*)>([\s\S]*)<\/svg>/.exec(readFileSync(path, 'utf8')) ?? []
      const own = Object.fromEntries(
        [...attributes.matchAll(/\s(viewBox|width|height|fill)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
      )
      return {
        resolveDir: dirname(path),
        contents: `import { createElement } from 'react'
          export default ${JSON.stringify(`data:image/svg+xml;base64,${readFileSync(path).toString('base64')}`)}
          const own = { ...${JSON.stringify(own)}, dangerouslySetInnerHTML: { __html: ${JSON.stringify(inner)} } }
          export const Icon = (props) => createElement('svg', { ...own, ...props })`,
      }
    })
  },
}

const styles = {
  name: 'styles',
  setup({ onLoad }) {
    onLoad({ filter: /\.pcss$/ }, async ({ path }) => {
      const steps = [importing(), mixins(), variables(), nested(), easings(), hexrgba()]
      const { css } = await postcss(steps).process(readFileSync(path, 'utf8'), { from: path, parser: scss.parse })
      return { contents: css, loader: 'css', resolveDir: dirname(path) }
    })
  },
}

const elsewhere = {
  name: 'elsewhere',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^\$webapp\/i18n\/languages\.json$/ }, () => ({ path: 'languages', namespace: 'address' }))
    onLoad({ filter: /.*/, namespace: 'address' }, () => ({ contents: 'export default "i18n/languages.json"' }))
    onResolve({ filter: /opus-recorder\/.*(Worker|decoder).*\.js$/ }, ({ path }) => ({
      path: join(modules, path),
      namespace: 'file-address',
    }))
    onLoad({ filter: /.*/, namespace: 'file-address' }, ({ path }) => ({ contents: readFileSync(path), loader: 'file' }))
    onResolve({ filter: /^(fs|path|crypto|stream|os|child_process|url)$/ }, () => ({ path: 'nothing', namespace: 'nothing' }))
    onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'module.exports = {}' }))
    // Recording needs a script of its own, and nobody records.
    onLoad({ filter: /recorderWorkletFactory\.ts$/ }, () => ({ contents: 'export default async () => undefined' }))
    onResolve({ filter: /^!!raw-loader!/ }, ({ path, resolveDir }) => ({ path: resolve(resolveDir, path.slice(13)), namespace: 'text' }))
    onLoad({ filter: /.*/, namespace: 'text' }, ({ path }) => ({ contents: readText(path), loader: 'text' }))
  },
}

const readText = (path) =>
  readFileSync(
    ['', '.ts', '.tsx', '.js'].map((end) => path + end).find((file) => existsSync(file)),
    'utf8',
  )
const files = Object.fromEntries(['png', 'gif', 'jpg', 'woff', 'woff2', 'ttf', 'wasm', 'ogg', 'mp3'].map((end) => [`.${end}`, 'file']))
const common = {
  bundle: true,
  outdir: web,
  format: 'esm',
  splitting: true,
  target: 'chrome120',
  logLevel: 'error',
  loader: { ...files, '.svg': 'file' },
  assetNames: 'files/[name]-[hash]',
  tsconfigRaw: { compilerOptions: { jsx: 'react', experimentalDecorators: true, useDefineForClassFields: false } },
  define: { global: 'globalThis', 'process.env.NODE_ENV': '"production"', 'process.env': '{}', 'process.platform': '"browser"' },
  nodePaths: [modules],
}

mkdirSync(web, { recursive: true })
writeFileSync('globals.mjs', "export { Buffer } from 'buffer'\n")
await build({ ...common, entryPoints: { app: 'shell.mjs' }, inject: ['globals.mjs'], plugins: [elsewhere, pictures] })
writeFileSync(
  'style.css',
  ['@vector-im/compound-design-tokens/assets/web/css/compound-design-tokens.css', '@vector-im/compound-web/dist/style.css']
    .map((name) => `@import "${name}";\n`)
    .join(''),
)
const light = join(sdk, 'res/themes/light/css/light.pcss')
const workers = Object.fromEntries(
  ['blurhash', 'indexeddb', 'playback'].map((name) => [`${name}.worker`, join(sdk, `src/workers/${name}.worker.ts`)]),
)
await build({ ...common, splitting: false, format: 'iife', entryPoints: workers, outExtension: { '.js': '.ts' } })
await build({ ...common, splitting: false, format: undefined, entryPoints: { base: 'style.css', light }, plugins: [styles] })
cpSync('sw.mjs', join(web, 'sw.js'))
cpSync(join(sdk, 'res/media'), join(web, 'media'), { recursive: true })
cpSync(join(sdk, 'src/i18n/strings/en_EN.json'), join(web, 'i18n/en_EN.json'), { recursive: true })
writeFileSync(join(web, 'i18n/languages.json'), JSON.stringify({ en: 'en_EN.json' }))
writeFileSync(
  join(web, 'index.html'),
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Element</title><meta name="theme-color" content="#fff">
<link rel="stylesheet" href="base.css"><link rel="stylesheet" href="light.css" data-mx-theme="light">
<style>html, body, #matrixchat { height: 100%; margin: 0 }</style></head>
<body><div id="matrixchat"></div><div id="mx_theme_accentColor"></div><div id="mx_theme_secondaryAccentColor"></div><div id="mx_theme_tertiaryAccentColor"></div>
<script type="module" src="app.js"></script></body></html>\n`,
)
