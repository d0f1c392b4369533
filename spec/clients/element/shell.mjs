// The least that the interface needs around it: a platform, a configuration, a language, and the address bar.
import SdkConfig from 'matrix-react-sdk/src/SdkConfig'

const { homeserver } = await (await fetch('config.json')).json()
SdkConfig.put({
  brand: 'Element',
  default_theme: 'light',
  disable_guests: true,
  default_server_config: { 'm.homeserver': { base_url: homeserver } },
})

// Everything else reads the configuration when it is loaded.
const { default: React } = await import('react')
const { default: ReactDOM } = await import('react-dom')
const { default: BasePlatform } = await import('matrix-react-sdk/src/BasePlatform')
const { default: PlatformPeg } = await import('matrix-react-sdk/src/PlatformPeg')
const languages = await import('matrix-react-sdk/src/languageHandler')
const { default: MatrixChat } = await import('matrix-react-sdk/src/components/structures/MatrixChat')
const { setTheme } = await import('matrix-react-sdk/src/theme')
const { default: AutoDiscoveryUtils } = await import('matrix-react-sdk/src/utils/AutoDiscoveryUtils')

class Page extends BasePlatform {
  getConfig = async () => undefined
  getDefaultDeviceDisplayName = () => 'A browser'
  getHumanReadableName = () => 'A browser'
  requestNotificationPermission = async () => 'denied'
  getAppVersion = async () => '1'
  reload() {
    location.reload()
  }
}

let chat
let shown = ''

function follow() {
  if (location.hash === shown) return
  const [, screen = '', query = ''] = /^#\/?([^?]*)\??(.*)$/.exec(location.hash) ?? []
  chat?.showScreen(screen, Object.fromEntries(new URLSearchParams(query)))
}

async function open() {
  navigator.serviceWorker.addEventListener('message', ({ ports }) => ports[0].postMessage(window.mxMatrixClientPeg.get()?.getAccessToken()))
  await navigator.serviceWorker.register('sw.js')
  PlatformPeg.set(new Page())
  SdkConfig.add({ validated_server_config: await AutoDiscoveryUtils.validateServerConfigWithStaticUrls(homeserver, undefined, true) })
  await languages.setLanguage('en')
  await setTheme('light')
  const props = {
    config: SdkConfig.get(),
    enableGuest: false,
    onNewScreen(screen, replaces) {
      shown = `#/${screen}`
      if (replaces) location.replace(shown)
      else location.assign(shown)
    },
    realQueryParams: {},
    startingFragmentQueryParams: {},
    defaultDeviceDisplayName: 'A browser',
  }
  chat = ReactDOM.render(React.createElement(MatrixChat, props), document.getElementById('matrixchat'))
  window.matrixChat = chat
  window.addEventListener('hashchange', follow)
  follow()
}

void open()
