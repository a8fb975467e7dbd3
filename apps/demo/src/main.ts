import { runDemo } from './run-demo.ts'
import { tour } from './tour.ts'

await runDemo(async () => {
  await tour()
  return 0
})
