/** Ties the parts together: one loop of 60 ticks a second, between an update and a flush. */
import { Chat } from './chat.ts'
import { element, marked, setText } from './elements.ts'
import { Game } from './game.ts'
import { Gauges } from './gauges.ts'
import { Meter } from './meter.ts'
import { Net } from './net.ts'
import { Panel } from './panel.ts'
import { Plots } from './plots.ts'
import { showScores } from './scores.ts'
import { describeNext, describeStatus, type Status } from './status.ts'
import { startTheme } from './theme.ts'
import { STEP_MS } from './world.ts'

/** Ticks made up for after a pause; beyond that they are skipped. */
const MOST_TICKS = 12
/** Time between two readings for the plots, ms. */
const READ_MS = 100
/** Time between two changes of the figures, ms: faster cannot be read. */
const SHOW_MS = 250
/** Time between two drawings of the plots, ms. */
const PLOT_MS = 33

const game = new Game(element('arena', HTMLCanvasElement))
const gauges = new Gauges()
const plots = new Plots()
const panel = new Panel('/conditions')
const chat = new Chat((text) => net.say(text))
const meter = new Meter((number) => net.sendNumber(number))
const pill = marked('state')
const curtain = element('curtain', HTMLDivElement)
const curtainState = element('curtain-state', HTMLParagraphElement)
const curtainNext = element('curtain-next', HTMLParagraphElement)
const scores = element('scores', HTMLOListElement)

let status: Status = { kind: 'connecting' }

const net: Net = new Net('/gannet', {
  onStatus(next) {
    status = next
    const words = describeStatus(next)
    pill.dataset['state'] = next.kind
    pill.title = words
    setText(pill, words)
    setText(curtainState, words)
    curtain.hidden = next.kind === 'open'
    if (next.kind === 'open') {
      game.clear()
      gauges.clear()
      meter.clear()
    } else if (next.kind === 'closed') {
      chat.clear()
    }
  },
  onSnapshot(snapshot) {
    const now = performance.now()
    game.takeSnapshot(snapshot, now)
    gauges.takeSnapshot(snapshot.tick, now)
  },
  onRelayReport(report) {
    gauges.takeRelayReport(report)
    panel.takeConditions(report.conditions)
  },
  onCountEcho: (echo) => meter.takeEcho(echo),
  onRoster: (roster) => game.takeRoster(roster),
  onChat: (line) => chat.hear(line.name, line.text),
  onVerdict(channel, id, verdict) {
    if (channel === 'chat') chat.takeVerdict(id, verdict)
    else if (channel === 'count') meter.takeVerdict(id, verdict, performance.now())
  },
})

let tickedAt = performance.now()

/** Runs the ticks that are due: update, inputs, flush. Returns how far the next tick is along, 0 to 1. */
function runTicks(now: number): number {
  net.update()
  if (now - tickedAt > MOST_TICKS * STEP_MS) tickedAt = now - STEP_MS
  const isTick = now - tickedAt >= STEP_MS
  while (now - tickedAt >= STEP_MS) {
    tickedAt += STEP_MS
    game.step()
  }
  if (isTick && status.kind === 'open') {
    if (game.input) net.sendInput(game.input)
    meter.tick(now)
    net.flush()
  }
  return (now - tickedAt) / STEP_MS
}

let readAt = 0
let shownAt = 0
let plottedAt = 0

function show(now: number): void {
  const stats = status.kind === 'open' ? net.stats : undefined
  if (stats) gauges.noteAge(stats, now)
  const reading = stats && now - readAt >= READ_MS ? gauges.read(stats, now) : undefined
  if (reading) {
    readAt = now
    plots.add(reading)
  }
  if (now - plottedAt >= PLOT_MS) {
    plottedAt = now
    plots.draw(now)
    meter.draw()
  }
  if (now - shownAt >= SHOW_MS && (reading || !stats)) {
    shownAt = now
    gauges.show(reading)
    meter.show(stats !== undefined)
    showScores(scores, game.scores)
    setText(curtainNext, describeNext(status, now))
  }
}

function frame(): void {
  const now = performance.now()
  const share = runTicks(now)
  game.draw(now, share)
  show(now)
  requestAnimationFrame(frame)
}
requestAnimationFrame(frame)

// Hidden pages get no frames. The worker's ticks keep inputs going out and events from piling up.
const metronome = new Worker(new URL('./metronome.ts', import.meta.url), { type: 'module' })
metronome.onmessage = () => {
  if (document.hidden) runTicks(performance.now())
}

startTheme(element('theme', HTMLButtonElement), () => {
  game.restyle()
  plots.restyle()
  meter.restyle()
})
