import { createChunker, filesOf, handleTarget } from './node_modules/millrace/dist/esm/snowball/index.js'

const $ = (id) => document.getElementById(id)
const number = new Intl.NumberFormat('en')
const count = (n, what) => `${number.format(n)} ${what}${n === 1 ? '' : 's'}`
const megabytes = (bytes) => `${number.format(Math.round(bytes / 1e5) / 10)} MB`
/** So many files that were left out are shown; all of them are in the manifest. */
const SHOWN = 200

let running = false
$('where').hidden = !('showDirectoryPicker' in window)

// anywhere: what is dropped beside the frame would be opened in place of the page
const drop = $('drop')
document.addEventListener('dragover', (event) => {
  event.preventDefault()
  drop.classList.add('over')
})
document.addEventListener('dragleave', () => drop.classList.remove('over'))
document.addEventListener('drop', (event) => {
  event.preventDefault()
  drop.classList.remove('over')
  // now: when the event is over, its list is empty
  start(filesOf(event.dataTransfer.items))
})
$('pick').addEventListener('change', ({ target }) => {
  if (target.files.length > 0) start(filesOf(target.files))
})

async function start(files) {
  if (running) return
  running = true
  try {
    await pack(files)
  } catch (error) {
    $('status').textContent = `Stopped: ${error.message}`
  } finally {
    running = false
    $('pick').value = ''
    $('busy').hidden = $('stop').hidden = true
  }
}

/** A directory that the user picks, or a new one of the page's own file system. */
async function target() {
  if ($('directory').checked) return { directory: await showDirectoryPicker({ mode: 'readwrite' }), own: false }
  const root = await navigator.storage.getDirectory()
  await root.removeEntry('chunks', { recursive: true }).catch(() => {})
  return { directory: await root.getDirectoryHandle('chunks', { create: true }), own: true }
}

async function pack(files) {
  const { directory, own } = await target()
  const stop = new AbortController()
  $('stop').onclick = () => stop.abort()
  $('result').hidden = true
  $('chunks').replaceChildren()
  $('left').replaceChildren()
  $('figures').replaceChildren()
  for (const id of ['busy', 'figures', 'stop']) $(id).hidden = false
  $('status').textContent = 'Packing …'

  const left = {}
  const began = performance.now()
  let drawn = 0
  const figures = ({ chunk, chunks, members, bytes, failed }) => {
    const seconds = (performance.now() - began) / 1000
    const reasons = Object.entries(left).map(([reason, count]) => `${number.format(count)} ${reason}`)
    draw({
      Chunk: chunk ?? `${chunks} in all`,
      Files: number.format(members),
      Data: megabytes(bytes),
      'Files/s': number.format(Math.round(members / seconds)),
      'MB/s': number.format(Math.round(bytes / 1e5 / seconds) / 10),
      'Left out': failed === 0 ? 'none' : reasons.join(', '),
    })
  }
  const chunker = createChunker({
    prefix: $('prefix').value,
    signal: stop.signal,
    onLeft(entry) {
      left[entry.reason] = (left[entry.reason] ?? 0) + 1
      if ($('left').rows.length < SHOWN) row('left', [entry.path, entry.reason, entry.message])
    },
    onManifest(lines) {
      for (const line of new TextDecoder().decode(lines).split('\n')) {
        if (!line.startsWith('{"type":"chunk"')) continue
        const { chunk, members, bytes, sha256 } = JSON.parse(line)
        row('chunks', [chunk, number.format(members), number.format(bytes), sha256], ['', 'number', 'number', 'hash'])
      }
    },
    onProgress(progress) {
      const now = performance.now()
      if (now - drawn < 100) return
      drawn = now
      figures(progress)
    },
  })
  const summary = await chunker.write(files, handleTarget(directory))
  figures(summary)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  $('status').textContent = `${count(summary.members, 'file')} in ${count(summary.chunks, 'chunk')}, ${seconds} s. ${
    summary.failed === 0 ? 'Nothing was left out.' : `Left out: ${count(summary.failed, 'file')}.`
  }`
  $('left-title').hidden = $('left-table').hidden = summary.failed === 0
  if (own) await links(directory)
  $('result').hidden = false
}

function draw(figures) {
  $('figures').replaceChildren(
    ...Object.entries(figures).map(([label, value]) => {
      const pair = document.createElement('div')
      const [term, data] = [document.createElement('dt'), document.createElement('dd')]
      term.textContent = label
      data.textContent = value
      pair.append(term, data)
      return pair
    }),
  )
}

function row(table, cells, classes = []) {
  const line = $(table).insertRow()
  cells.forEach((text, i) => {
    const cell = line.insertCell()
    cell.textContent = text
    cell.className = classes[i] ?? ''
  })
}

/** Makes the names in the table links, and puts the manifest below them. */
async function links(directory) {
  const manifest = await (await directory.getFileHandle('manifest.ndjson')).getFile()
  row('chunks', ['manifest.ndjson', '', number.format(manifest.size), ''], ['', 'number', 'number', 'hash'])
  for (const { cells } of $('chunks').rows) {
    const name = cells[0].textContent
    const link = document.createElement('a')
    link.download = name
    link.href = URL.createObjectURL(await (await directory.getFileHandle(name)).getFile())
    link.textContent = name
    cells[0].replaceChildren(link)
  }
}
