/** HTTP libraries over the session, by the recipes of docs/hosts.md. */
import test, { type ExecutionContext } from 'ava'
import { type Installed, install } from './support/install.js'
import { bundleRecipe, miniProgramGlobals, runModule } from './support/mini-program.js'
import { type Scene, startScene } from './support/server.js'
import { type Came, storm } from './support/storm.js'
import { uniLike } from './support/uni-like.js'

let installed: Installed

test.before('libraries: are installed', async (t) => {
  t.timeout(300_000)
  installed = await install('libraries')
})

test.after.always(() => installed?.remove())

interface Body {
  openId: string
}

/** `send`: one GET of /me by what the recipe exports, whose address is the server's where the library wants all of it. */
function over<Exports>(
  name: string,
  send: (exports: Exports, url: string) => PromiseLike<Came>,
  more: (scene: Scene) => object = () => ({}),
): void {
  test(`${name} over the session: 50 at start and 20 in mid-expiry, all in`, async (t) => {
    const { scene, exports } = await run<Exports>(t, name, more)

    await storm(t, scene, () => send(exports, `${scene.url}/me`))
  })
}

async function run<Exports>(
  t: ExecutionContext,
  name: string,
  more: (scene: Scene) => object,
): Promise<{ scene: Scene; exports: Exports }> {
  const scene = await startScene(t)
  const code = await bundleRecipe(name, installed.folder, scene.url)
  const globals = miniProgramGlobals(scene.phone.wx, more(scene))
  return { scene, exports: runModule<Exports>(code, globals) }
}

over<{ http: { get(url: string): Promise<{ status: number; data: Body }> } }>('axios', async ({ http }) => {
  const { status, data } = await http.get('/me')
  return { status, openId: data.openId }
})

over<{ http: { get(url: string): Promise<{ statusCode: number; data: Body }> } }>(
  'luch-request',
  async ({ http }) => {
    const { statusCode, data } = await http.get('/me')
    return { status: statusCode, openId: data.openId }
  },
  ({ phone }) => ({ uni: uniLike(phone.wx) }),
)

over<{ fly: { get(url: string): Promise<{ status: number; data: Body }> } }>('flyio', async ({ fly }) => {
  const { status, data } = await fly.get('/me')
  return { status, openId: data.openId }
})

// Alova gives the body of a success alone, keeps answers, and shares a request that runs: neither is wanted here.
over<{ alova: { Get(url: string, config: object): PromiseLike<Body> } }>('alova', async ({ alova }) => {
  const { openId } = await alova.Get('/me', { cacheFor: 0, shareRequest: false })
  return { status: 200, openId }
})

over<{ $http: { get(url: string): Promise<{ statusCode: number; data: Body }> } }>(
  'escook-request',
  async ({ $http }) => {
    const { statusCode, data } = await $http.get('/me')
    return { status: statusCode, openId: data.openId }
  },
)

over<{ xfetch: { fetch(options: object): Promise<{ statusCode: number; data: Body }> } }>(
  'mpx-fetch',
  async ({ xfetch }, url) => {
    const { statusCode, data } = await xfetch.fetch({ url })
    return { status: statusCode, openId: data.openId }
  },
)
