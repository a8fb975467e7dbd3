import { run } from '@tasktree/core'
import { python } from '@tasktree/subprocess'
import { Queue } from '@tasktree/sync'

const CODE = `
import sys
for line in sys.stdin:
    word = line.strip()
    if word == 'quit':
        print('bye', file=sys.stderr)
        sys.exit(3)
    print(word.upper())
`

await run(async () => {
  const heard = new Queue<string>()
  await using talking = python(CODE, [], {
    onStdout: (line) => heard.putNowait(`stdout: ${line}`),
    onStderr: (line) => heard.putNowait(`stderr: ${line}`),
  })
  await talking.start()
  await talking.write('hello')
  console.log(await heard.get())
  await talking.write('quit')
  console.log(await heard.get())
  console.log('ended with', await talking.wait())

  await using stopped = python(CODE)
  await stopped.start()
  console.log('stopped with', await stopped.stop())
})
