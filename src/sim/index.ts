/**
 * `gannet/sim`: seeded weather for packets, in virtual time or around a real transport. Runs anywhere.
 * The UDP relay, which needs Node, is `gannet/sim/relay`.
 */

/** A transport with weather around another one; a class so that its links can be watched and changed. */
export { ConditionedTransport, type ConditionHost, type ConditionOptions, conditioned } from './condition.ts'
/** One direction of a simulated path, sans I/O. */
export { Link, type LinkCounters, type LinkInit } from './link.ts'
/** What a link can do to packets, and a short text of it. */
export { type Blackout, describeOptions, type LinkOptions, type LinkSettings, type Stage } from './link-options.ts'
/** Independent and bursty loss, one decision per packet. */
export { type GilbertElliott, gilbertElliott, KEPT_DECISIONS, type LossModel, LossProcess, meanLoss } from './loss.ts'
/** Named weather for both directions. */
export { type Profile, type ProfileName, profileNames, profiles } from './profiles.ts'
/** Seeded pseudo-random numbers, the same in every engine. */
export { Random, randomFrom, type Seed } from './random.ts'
/** One end of an association, sans I/O. */
export { SctpAssociation, type SctpAssociationInit, type SctpCounters } from './sctp/association.ts'
/** The two stacks that Gannet meets, and what makes them different. */
export { DCSCTP, LIBDATACHANNEL, type SctpOptions, type SctpReliability } from './sctp/options.ts'
/** What SCTP does below a DataChannel: a path that carries associations, each end a transport. */
export { SctpPath, type SctpPathInit, type SctpPipe, type SctpSide, SctpTransport } from './sctp/path.ts'
/** A clock with alarms that moves when told: the host of a driver in tests. */
export { VirtualHost } from './virtual-host.ts'
/** Two sans-IO nodes joined by two links in virtual time. */
export { type Node, World, type WorldOptions, type WorldSide } from './world.ts'
