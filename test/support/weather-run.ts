import { Link, type LinkOptions, type ProfileName, profileNames, profiles, Random } from 'gannet/sim'

/** Rain that comes and goes, with everything that a link can do. */
const SCHEDULED: LinkOptions = {
  delayMs: 20,
  jitterMs: 7,
  reorder: true,
  duplicate: 0.02,
  bytesPerSecond: 90_000,
  schedule: [
    { fromMs: 1500, loss: 0.2, burst: 5 },
    { fromMs: 4000, loss: 0.01, burst: 0, bytesPerSecond: 0 },
    { fromMs: 4700, bytesPerSecond: 40_000 },
    { fromMs: 9000, delayMs: 90 },
  ],
}

/** Fingerprint of what befell 3,000 packets of a player in each profile, by name: the same in every engine. */
export function weatherHashes(seed: string): Record<ProfileName | 'scheduled', string> {
  const hashes: [string, string][] = []
  const runs: [string, LinkOptions][] = profileNames.map((name) => [name, profiles[name].up])
  for (const [name, weather] of [...runs, ['scheduled', SCHEDULED] as const]) {
    const random = new Random(seed).fork(name)
    const link = new Link({ ...weather, seed: random, startsAt: 0 })
    const sizes = random.fork('sizes')
    for (let i = 0; i < 3000; i++) {
      const now = (i * 1000) / 60
      while (link.wakeAt <= now) link.poll(link.wakeAt)
      link.push(new Uint8Array(40 + (sizes.uint32() % 1100)), now)
    }
    while (link.wakeAt < 1e9) link.poll(link.wakeAt)
    hashes.push([name, link.counters.eventHash.toString(16).padStart(8, '0')])
  }
  return Object.fromEntries(hashes) as Record<ProfileName | 'scheduled', string>
}

/** What `weatherHashes('seven')` is. */
export const HASHES_OF_SEVEN: ReturnType<typeof weatherHashes> = {
  lan: 'b40df8e3',
  wifi: '42c034bc',
  '4g': '70e05f26',
  satellite: '57cd65b2',
  bufferbloat: '4ac09947',
  hotel: 'e6b7e351',
  train: '641eba7d',
  blackout: 'c7267336',
  scheduled: '83ceefc5',
}
