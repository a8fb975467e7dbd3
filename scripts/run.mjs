// Runs `npm test`, `npm run demo`, `npm run example` and `npm run docs` on a machine that has only git and a Node >= 20 with npm.
// This script installs the workspace with the pnpm that package.json pins, builds the packages that the command needs, and runs
// the command on the pinned Node.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { summarize } from './test-summary.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const binaries = join(root, 'node_modules', '.bin')
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/**
 * Runs a program to its end and resolves with its exit code. If a signal ended the program, the code is 128 plus the number of
 * the signal, as in a shell. With `quiet` the output is shown only if the program fails.
 */
function execute(command, args, { env, quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    // On Windows the commands of npm and pnpm are scripts, and only a shell can start a script.
    const shell = process.platform === 'win32' && command !== process.execPath
    const child = spawn(command, args, {
      cwd: root,
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      shell,
      env: {
        ...process.env,
        TURBO_TELEMETRY_DISABLED: '1',
        // Node caches compiled modules in this folder. The tests start hundreds of programs, most of which load the same modules.
        NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled'),
        ...env,
      },
    })
    const output = []
    child.stdout?.on('data', (chunk) => output.push(chunk))
    child.stderr?.on('data', (chunk) => output.push(chunk))
    // The terminal sends Ctrl-C to the child too. So this process ignores SIGINT, and waits until the child has ended.
    const ignore = () => {}
    const pass = (signal) => child.kill(signal)
    process.on('SIGINT', ignore).on('SIGTERM', pass).on('SIGHUP', pass)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      process.off('SIGINT', ignore).off('SIGTERM', pass).off('SIGHUP', pass)
      if (code !== 0) process.stderr.write(Buffer.concat(output))
      resolve(code ?? 128 + constants.signals[signal])
    })
  })
}

// Without --prefer-offline, npx asks the registry each time, and without a network it waits more than a minute for the answer.
function pnpm(args, options) {
  return execute('npx', ['--yes', '--prefer-offline', packageManager, ...args], options)
}

/** Starts turbo through pnpm, because turbo runs the scripts of the packages with the pnpm that it finds on the path. */
function turbo(args, options) {
  return pnpm(['exec', 'turbo', 'run', ...args], options)
}

/** Runs a program with the pinned Node and the workspace's tools first on the path. */
function pinned(command, args = []) {
  return execute(command, args, { env: { PATH: `${binaries}${delimiter}${process.env.PATH}` } })
}

async function install() {
  const stamp = join(root, 'node_modules', '.installed')
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .update(`${process.platform} ${process.arch}`)
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return 0
  const code = await pnpm(['install', '--frozen-lockfile'])
  if (code === 0) writeFileSync(stamp, wanted)
  return code
}

/** Returns the paths of all files `test-counts.json`, into which the test reporter writes the results of each package. */
function countFiles() {
  const nested = ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => join(parent, name)),
  )
  const alone = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return [...nested, ...alone.map((entry) => entry.name)]
    .map((folder) => join(root, folder, 'test-counts.json'))
    .filter((file) => existsSync(file))
}

async function test() {
  // The results of an earlier run must not count, so their files are removed. When turbo answers a test run from its cache, it
  // restores the file of that package.
  for (const file of countFiles()) rmSync(file)

  const tsc = await pinned('tsc')
  // The builds come first: turbo starts its tasks in the order in which they become ready, so a build that other tasks need would
  // stand behind long tests. The first time that its cache answers a build, turbo writes the outputs again. That is done before
  // tests read them.
  const build = () => turbo(['build', '--continue', '--output-logs=new-only'])
  if ((await build()) === 0) await build()
  // turbo starts the tests of a package after those of the packages it needs. jobd needs most of them, and its tests take longest.
  // So a second turbo runs the tests of jobd, and of what needs jobd, from the start. The shares of the cores add up to the
  // `concurrency` of turbo.json.
  const lanes = [
    ['--filter=...@tasktree/jobd', '--concurrency=50%'],
    ['--filter=!...@tasktree/jobd', '--concurrency=100%'],
  ]
  const codes = await Promise.all(
    lanes.map((lane) =>
      turbo(['build', 'typecheck', 'test', '--continue', '--output-logs=new-only', ...lane]),
    ),
  )
  const packages = countFiles().map((file) => ({
    folder: relative(root, dirname(file)),
    counts: JSON.parse(readFileSync(file, 'utf8')),
  }))
  const { text, failed } = summarize(packages, { tsc, turbo: Math.max(...codes) })
  console.log(text)
  return failed > 0 ? 1 : 0
}

function build(filter) {
  return turbo(['build', `--filter=${filter}`, '--output-logs=errors-only'], { quiet: true })
}

/** Runs the tour if there are no arguments, and the cluster for `cluster`. Any other arguments go to jobd's command line. */
async function demo(args) {
  const built = await build('@tasktree/demo...')
  if (built !== 0) return built
  if (args[0] === 'cluster')
    return pinned('node', [join('apps', 'demo', 'dist', 'cluster', 'cluster-main.js')])
  const folder = args.length === 0 ? join('apps', 'demo') : join('packages', 'jobd')
  return pinned('node', [join(folder, 'dist', 'main.js'), ...args])
}

async function example(args) {
  // Without a name, main.ts only lists the examples, which needs no built package.
  const built = args.length === 0 ? 0 : await build('@tasktree/examples^...')
  if (built !== 0) return built
  return pinned('node', [join('examples', 'src', 'main.ts'), ...args])
}

/** Builds the documentation site and serves it on localhost. */
async function docs(args) {
  // The site draws its timelines from runs of the built packages.
  const built = await build('@tasktree/docs^...')
  if (built !== 0) return built
  return pinned('node', [join('docs', 'site', 'main.ts'), ...args])
}

const [command, ...args] = process.argv.slice(2)
const commands = { test, demo, example, docs }
if (!Object.hasOwn(commands, command))
  throw new Error(`Expected ${Object.keys(commands).join(', ')}, got ${command}`)
process.exitCode = (await install()) || (await commands[command](args))
