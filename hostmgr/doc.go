// Package hostmgr knows which hosts are there.
//
// A [Registry] holds the hosts that announced themselves. A host announces
// itself, keeps announcing (or sends the cheaper [Registry.Heartbeat]) at its
// own interval, and either leaves ([Registry.Leave]) or falls silent. The
// registry notices both, has what belonged to the host cleaned up, and can say
// of every eviction why it happened. How much silence is too much is up to a
// [Policy]; a [EvictionLimit] holds hosts back if too many are silent at once; a [Pacing] advises them how
// often to be heard.
//
// Drive it with [Registry.Run], which sweeps at each deadline until its context
// ends; or call [Registry.Sweep] from a scheduler of your own, at the times
// that [Registry.Next] names. Nothing happens in between: no goroutine exists
// unless Run was called.
//
// # Promises
//
//  1. A beat protects. After an Announce or Heartbeat that returned without
//     error, the host is not evicted before its patience has run out, counted
//     from the clock reading inside that call (or a moment later, while Run
//     spares heartbeats that reading). This holds against a sweep that runs at
//     that very moment.
//  2. One departure per life. Each join ends in exactly one departure, counted
//     once, seen once, and its cleanup is repeated until it succeeds.
//  3. The past can't touch the present. A leave, heartbeat or announce of an
//     older incarnation changes nothing of a newer one.
//  4. Silence counts only while we listened. A stall (see Config.StallThreshold) is not
//     counted as silence for any host, and after it no host is evicted before its
//     own interval + StallThreshold from the end of the stall, unless its counted
//     silence exceeds twice its patience. Under Run shorter gaps are excused for hosts that
//     do not tolerate them. Steps of the wall clock evict no host.
//  5. A sweep decides; the clock only shows. The state that Get and All show is
//     computed from the clock when they are called. Until a sweep removes it a
//     host is there: it counts in Len, a late beat saves it, a leave is a leave.
//  6. Detection is bounded. Under Run a dead host is gone within its patience
//     plus a small lag, whatever the number of hosts.
//  7. Nothing lingers. After departure and cleanup nothing of a host stays, but for
//     half of a hash that recognises an early return. Of those there are never more than
//     a megabyte, and none when nobody was evicted for 5 minutes. (With a Shadow, Stats name
//     up to 16 that came back to it.)
//  8. Callbacks are free. They run with no lock held and may call the registry;
//     one that blocks, fails or panics stops neither sweeps nor beats, and is
//     counted. The Logger and the Recorder are callbacks too. Cleanups of one id run one at
//     a time and in order. A Sweep with the context of a Cleanup does no cleanups; with another
//     one it does none while the cleanup of a Sweep, or of Run, has taken less than 10 s.
//  9. No goroutine is yours to find. None exists unless Run was called; all end
//     when its context does, and Run returns only then. The exception is a Write of the
//     Recorder, or a call of the Logger, that hangs: after a second it is left behind.
//  10. Order. Events of one host arrive in the order in which they happened; a
//     watcher that falls behind is told how much it missed and gets a fresh
//     snapshot, never a silent gap.
//  11. Every eviction can be explained. A [Departure] carries its evidence.
//  12. Nothing starves. Of the cleanups that may be done, the one that has waited longest is
//     done first, be it new or to be retried; and a Sweep ends, whatever departs meanwhile.
//
// All methods of a Registry are safe for concurrent use.
package hostmgr
