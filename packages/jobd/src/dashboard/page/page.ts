import type { PageChanges, PageCounts, PageJob, PageSnapshot } from '../page-events.ts'
import { Charts } from './charts.ts'
import { LiveEvents } from './live-events.ts'
import { find, make, setText } from './element.ts'
import { JobTable } from './job-table.ts'
import { notify } from './notice.ts'
import { OutputPanel } from './output-panel.ts'
import { hasPassword, post } from './requests.ts'
import { TreeView } from './tree-view.ts'

let placeholders: PageSnapshot['kinds'] = {}

const tree = new TreeView()
const charts = new Charts()
const output = new OutputPanel(
  () => events,
  (id) => {
    table.select(null)
    table.focusJob(id)
  },
)
const table = new JobTable((id) => {
  table.select(id)
  output.open(id)
})

const form = find('add', HTMLFormElement)
const kind = find('kind', HTMLSelectElement)
const payload = find('payload', HTMLInputElement)
const shortcuts = find('shortcuts', HTMLDialogElement)

function showCounts(counts: PageCounts): void {
  for (const [state, count] of Object.entries(counts))
    setText(find(`count-${state}`, HTMLSpanElement), count.toLocaleString())
}

function showRate(): void {
  const { last } = charts
  if (last !== undefined) setText(find('rate', HTMLSpanElement), last.done.toLocaleString())
}

let server: string | null = null

function begin(snapshot: PageSnapshot): void {
  server ??= snapshot.server
  if (server !== snapshot.server) {
    location.reload()
    return
  }
  placeholders = snapshot.kinds
  if (kind.options.length === 0)
    kind.append(
      ...Object.keys(snapshot.kinds).map((name) => {
        const option = make('option', '', name)
        option.value = name
        return option
      }),
    )
  showCounts(snapshot.counts)
  tree.show(snapshot.tree)
  tree.beginRestarts(snapshot.restarts)
  charts.begin(snapshot.samples)
  showRate()
  table.begin(snapshot.jobs, snapshot.progress)
}

function apply(changes: PageChanges): void {
  if (changes.counts !== undefined) showCounts(changes.counts)
  if (changes.tree !== undefined) tree.show(changes.tree)
  if (changes.restarts !== undefined) tree.showRestarts(changes.restarts)
  if (changes.samples !== undefined) {
    charts.add(changes.samples)
    showRate()
  }
  if (changes.deleted !== undefined) table.remove(changes.deleted)
  const { jobs = [], progress = [] } = changes
  if (jobs.length + progress.length === 0) return
  const before = output.id === null ? undefined : table.get(output.id)
  table.update(jobs, progress)
  const shown = jobs.find(({ id }) => id === output.id)
  if (shown !== undefined) void output.refresh(isOver(before) && !isOver(shown))
}

function isOver(job: PageJob | undefined): boolean {
  return job !== undefined && job.state !== 'queued' && job.state !== 'running'
}

kind.addEventListener('change', () => {
  payload.placeholder = placeholders[kind.value] ?? ''
})

form.addEventListener('submit', (event) => {
  event.preventDefault()
  void add()
})

async function add(): Promise<void> {
  const added = await post<{ id: number }>('jobs', { kind: kind.value, payload: payload.value })
  if (added === null) return
  notify(`Job ${added.id} is added`)
  payload.value = ''
}

const logOut = find('log-out', HTMLButtonElement)
logOut.hidden = !hasPassword
logOut.addEventListener('click', () => {
  void post('logout').then(() => location.reload())
})

find('show-shortcuts', HTMLButtonElement).addEventListener('click', () => shortcuts.showModal())

const keys: Record<string, () => void> = {
  j: () => table.focus(),
  t: () => tree.focus(),
  n: () => payload.focus(),
  '?': () => shortcuts.showModal(),
  Escape: () => output.close(),
}

document.addEventListener('keydown', (event) => {
  const { target, key } = event
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return
  if (shortcuts.open) return
  const isField =
    (target instanceof HTMLInputElement && target.type !== 'radio') ||
    target instanceof HTMLSelectElement
  if (isField && key !== 'Escape') return
  const act = keys[key]
  if (act === undefined) return
  event.preventDefault()
  if (isField) (target as HTMLElement).blur()
  else act()
})

const events = new LiveEvents({
  begin,
  apply,
  output: (event, part) => output.take(event, part),
})
