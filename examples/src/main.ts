// `npm run example -- NAME` runs this file. It runs the example NAME, or lists all examples if there is no name.
import { catalogue } from './catalogue.ts'

const [name, ...args] = process.argv.slice(2)
const example = catalogue.find((each) => each.name === name)

if (example !== undefined) {
  const url = new URL(`./${example.group}/${example.name}.ts`, import.meta.url)
  // The example finds its arguments at the same places of `process.argv` as a program that Node starts directly.
  process.argv.splice(1, Infinity, url.pathname, ...args)
  await import(url.href)
} else {
  const width = Math.max(...catalogue.map((each) => each.name.length))
  const list = catalogue.map((each) => `  ${each.name.padEnd(width)}  ${each.summary}\n`).join('')
  if (name === undefined) {
    process.stdout.write(`npm run example -- NAME\n\n${list}`)
  } else {
    process.stderr.write(`There is no example named ${name}. There are:\n\n${list}`)
    process.exitCode = 2
  }
}
