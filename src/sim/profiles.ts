import type { LinkOptions } from './link-options.ts'

/** Two directions of one path, seen from the player: `up` leaves the browser. */
export interface Profile {
  readonly up: Readonly<LinkOptions>
  readonly down: Readonly<LinkOptions>
}

export type ProfileName = 'lan' | 'wifi' | '4g' | 'train' | 'hotel' | 'bufferbloat' | 'satellite' | 'blackout'

/** Bytes per second of one megabit per second. */
const MBIT = 125_000

/** Per packet on the wire beside its own bytes: IPv4 20, UDP 8, DTLS 1.2 GCM 37, SCTP 12, DATA 16. */
const overheadBytes = 93

/**
 * Named weather, each the whole path from player to server, one way. Where no source is named the figures are chosen
 * to make the trouble in question visible; they are shapes to test against, not measurements of a place.
 */
export const profiles: Readonly<Record<ProfileName, Profile>> = {
  // Origin: chosen. Gigabit Ethernet through one switch; a clean reference.
  lan: {
    up: { delayMs: 0.3, jitterMs: 0.1, bytesPerSecond: 1000 * MBIT, queueBytes: 262_144, overheadBytes },
    down: { delayMs: 0.3, jitterMs: 0.1, bytesPerSecond: 1000 * MBIT, queueBytes: 262_144, overheadBytes },
  },
  // Origin: chosen. Home Wi-Fi with neighbours on the same radio channel, a server in the same country; loss comes in short runs.
  wifi: {
    up: {
      loss: 0.01,
      burst: 3,
      delayMs: 15,
      jitterMs: 3,
      bytesPerSecond: 20 * MBIT,
      queueBytes: 131_072,
      overheadBytes,
    },
    down: {
      loss: 0.005,
      burst: 3,
      delayMs: 15,
      jitterMs: 2,
      bytesPerSecond: 60 * MBIT,
      queueBytes: 262_144,
      overheadBytes,
    },
  },
  // Origin: delay, jitter, loss and rates of the `4G` condition in Loadero's table of network conditions (read 2026).
  '4g': {
    up: { loss: 0.002, delayMs: 45, jitterMs: 15, bytesPerSecond: 50 * MBIT, queueBytes: 524_288, overheadBytes },
    down: { loss: 0.002, delayMs: 45, jitterMs: 5, bytesPerSecond: 100 * MBIT, queueBytes: 1_048_576, overheadBytes },
  },
  // Origin: chosen. Cellular on a moving train: runs of loss at cell borders, and a tunnel of 1.5 s every 40 s.
  train: {
    up: {
      loss: 0.03,
      burst: 8,
      delayMs: 50,
      jitterMs: 20,
      bytesPerSecond: 2 * MBIT,
      queueBytes: 131_072,
      overheadBytes,
      blackouts: [{ fromMs: 15_000, lengthMs: 1_500, everyMs: 40_000 }],
    },
    down: {
      loss: 0.02,
      burst: 8,
      delayMs: 50,
      jitterMs: 15,
      bytesPerSecond: 6 * MBIT,
      queueBytes: 262_144,
      overheadBytes,
      blackouts: [{ fromMs: 15_000, lengthMs: 1_500, everyMs: 40_000 }],
    },
  },
  // Origin: chosen. An overloaded shared access point: loss, heavy jitter that reorders, some duplicates, little capacity.
  hotel: {
    up: {
      loss: 0.05,
      burst: 2,
      delayMs: 40,
      jitterMs: 25,
      reorder: true,
      duplicate: 0.005,
      bytesPerSecond: 1 * MBIT,
      queueBytes: 65_536,
      overheadBytes,
    },
    down: {
      loss: 0.03,
      burst: 2,
      delayMs: 40,
      jitterMs: 25,
      reorder: true,
      duplicate: 0.005,
      bytesPerSecond: 3 * MBIT,
      queueBytes: 131_072,
      overheadBytes,
    },
  },
  // Origin: chosen after the usual DSL case: 1 Mbit/s up before 256 KiB of modem buffer, so a full queue is 2.1 s of delay (down 0.5 s).
  bufferbloat: {
    up: { delayMs: 20, jitterMs: 1, bytesPerSecond: 1 * MBIT, queueBytes: 262_144, overheadBytes },
    down: { delayMs: 20, jitterMs: 1, bytesPerSecond: 8 * MBIT, queueBytes: 524_288, overheadBytes },
  },
  // Origin: Starlink: RTT 40, 50, 60 ms at the quartiles (blog.apnic.net, 28 Nov 2022), runs of loss at satellite handovers (IMC 2022, "A browser-side view of Starlink connectivity"); the run lengths, the rates and the 15 s rhythm of the gaps are chosen.
  satellite: {
    up: {
      loss: 0.01,
      burst: 4,
      delayMs: 22,
      jitterMs: 4,
      bytesPerSecond: 10 * MBIT,
      queueBytes: 262_144,
      overheadBytes,
      blackouts: [{ fromMs: 12_000, lengthMs: 120, everyMs: 15_000 }],
    },
    down: {
      loss: 0.01,
      burst: 4,
      delayMs: 22,
      jitterMs: 4,
      bytesPerSecond: 100 * MBIT,
      queueBytes: 1_048_576,
      overheadBytes,
      blackouts: [{ fromMs: 12_000, lengthMs: 120, everyMs: 15_000 }],
    },
  },
  // Origin: chosen. A clean path that is cut for 3 s out of every 10 s: longer than any resend timer, shorter than the default timeout of 10 s.
  blackout: {
    up: { delayMs: 25, blackouts: [{ fromMs: 5_000, lengthMs: 3_000, everyMs: 10_000 }], overheadBytes },
    down: { delayMs: 25, blackouts: [{ fromMs: 5_000, lengthMs: 3_000, everyMs: 10_000 }], overheadBytes },
  },
}

/** The names in {@link profiles}, mildest first, for menus. */
export const profileNames: readonly ProfileName[] = [
  'lan',
  'wifi',
  '4g',
  'satellite',
  'bufferbloat',
  'hotel',
  'train',
  'blackout',
]
