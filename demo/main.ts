/** Ties the parts together: one loop of 60 ticks a second, on the clock that both ends share, between an update and a flush. */
import { defineNetGraph, record } from 'gannet/devtools'
import { Arena } from './arena.ts'
import { Chat } from './chat.ts'
import { ServerClock } from './clock.ts'
import { element, marked, setText } from './elements.ts'
import { Game } from './game.ts'
import { Net } from './net.ts'
import { Panel } from './panel.ts'
import { startPhone } from './phone.ts'
import type { Place } from './place.ts'
import { CHANNELS, PROTOCOL } from './protocol.ts'
import { Race } from './race.ts'
import { showScores } from './scores.ts'
import { describeNext, describeStatus } from './status.ts'
import { startTheme } from './theme.ts'
import { Traces } from './traces.ts'
import { STEP_MS } from './world.ts'

/** Time between two changes of the scores, ms. */
const SHOW_MS = 250

defineNetGraph()
// Without a Node peer beside it, as on a static host, the page is its own server.
const isLocal = IS_STATIC || new URLSearchParams(location.search).has('local')
const place: Place = isLocal
  ? new (await import('./local.ts')).LocalPlace()
  : new (await import('./served.ts')).ServedPlace()
document.documentElement.dataset['place'] = place.kind

const game = new Game(element('arena', HTMLCanvasElement), element('fire', HTMLButtonElement))
let arena = new Arena(Number.NaN)
const panel = new Panel(place)
const clock = new ServerClock(() => place.clock())
const race = new Race(place, clock, element('race', HTMLElement))
const graph = document.querySelector('gannet-netgraph')!
const pill = marked('state')
const curtain = element('curtain', HTMLDivElement)
const curtainState = element('curtain-state', HTMLParagraphElement)
const curtainNext = element('curtain-next', HTMLParagraphElement)
const scores = element('scores', HTMLOListElement)
const recorder = record()
const chat = new Chat((text) => net.send('chat', { from: 0, name: '', text }))
new Traces(recorder)

const { dial } = place
let next = (_now: number): string => ''

const net: Net<typeof CHANNELS> = new Net({
  url: '/gannet',
  channels: CHANNELS,
  protocol: PROTOCOL,
  // Longer than the longest silence of any profile, which is 3 s; then the server has gone.
  endpoint: { timeoutMs: 5_000 },
  trace: recorder,
  ...(dial && { dial: () => dial(recorder) }),
  onStatus(status) {
    showState(status.kind, describeStatus(status))
    next = (now) => describeNext(status, now)
    if (status.kind === 'open') {
      arena = new Arena(status.peer.stats.rttMs)
      game.enter(arena)
      graph.source = status.peer
    } else if (status.kind === 'closed') {
      chat.clear()
    }
  },
  onEvent(event) {
    if (event.type === 'verdict' && event.channel === 'chat') chat.takeVerdict(event.id, event.verdict)
    if (event.type === 'away') showState('away', 'no word from the server')
    if (event.type === 'back') showState('open', 'open')
    if (event.type !== 'message') return
    if (event.channel === 'state') {
      if (arena.takeSnapshot(event.value, performance.now())) graph.markState()
    } else if (event.channel === 'you') arena.takeYou(event.value)
    else if (event.channel === 'roster') game.takeRoster(event.value)
    else if (event.channel === 'line') panel.takeConditions(event.value.conditions)
    else if (event.channel === 'chat') chat.hear(event.value.name, event.value.text)
  },
})

/** The pill, and the curtain over the arena while there is nothing to play with. */
function showState(kind: 'connecting' | 'open' | 'away' | 'closed', words: string): void {
  pill.dataset['state'] = kind
  pill.title = words
  setText(pill, words)
  setText(curtainState, words)
  curtain.hidden = kind === 'open'
}

/** Runs the ticks that are due on the server's clock: update, inputs, flush. */
function runTicks(): void {
  place.update()
  net.update()
  race.update()
  const { peer } = net
  if (!peer || !game.run(peer.clock.now() / STEP_MS)) return
  const { input } = arena
  if (input) {
    net.send('input', input)
    if (game.isFiring) net.send('fire', input.tick, { urgent: true })
  }
  net.flush()
}

let shownAt = 0

function frame(): void {
  const now = performance.now()
  runTicks()
  game.draw(now)
  race.draw(now)
  if (now - shownAt >= SHOW_MS) {
    shownAt = now
    showScores(scores, game.scores)
    setText(curtainNext, next(now))
  }
  requestAnimationFrame(frame)
}
requestAnimationFrame(frame)

// Hidden pages get no frames. The worker's ticks keep inputs going out and events from piling up.
const metronome = new Worker(new URL('./metronome.ts', import.meta.url), { type: 'module' })
metronome.onmessage = () => {
  if (document.hidden) runTicks()
}

startTheme(element('theme', HTMLButtonElement), () => {
  game.restyle()
  race.restyle()
})
void startPhone(place)
