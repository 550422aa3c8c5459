// Package hostmgr tracks which hosts of a service are alive.
//
// A host announces itself, sends heartbeats at its own interval, and either leaves or falls silent.
// A [Registry] detects both. It retries the embedder's cleanup until it succeeds, never evicts
// hosts because the registry itself was paused, and records the evidence for every eviction.
//
//	hosts, err := hostmgr.New(hostmgr.Config[Peer]{
//		Cleanup: func(ctx context.Context, d hostmgr.Departure[Peer]) error {
//			return rows.Delete(ctx, d.Host.Registration) // not by ID: it may have joined again
//		},
//	})
//	if err != nil {
//		return err
//	}
//	go hosts.Run(ctx) // until ctx is done
//
//	// In the handlers of the service:
//	ack, err := hosts.Announce(hostmgr.Announcement[Peer]{ID: id, Metadata: peer})
//	ack, err := hosts.Heartbeat(id, incarnation) // ErrUnknownHost: it must announce itself again
//	err := hosts.Leave(ctx, id, incarnation)
//
// All methods of a Registry are safe for concurrent use. A gateway that has many heartbeats at hand
// calls [Registry.Heartbeats]. [Registry.Metadata] and [Registry.AllMetadata] read only metadata,
// and cost least. Package announcer is the host's side: it makes these calls through a transport of
// the embedder.
//
// A process should announce an incarnation that it chooses when it starts, for instance by the wall
// clock; package announcer does. Without one, a restart within the timeout is not noticed: there is
// no departure, and no cleanup of what the former process left. An incarnation that has left has
// ended: its announces are refused with [ErrStale]. See [Announcement], which also describes two
// machines that use one id.
//
// The registry and all that it returns share the data that M refers to. To change metadata without
// a contact, use [Registry.Update].
//
// # Promises
//
// The field or method in brackets has the details.
//
//  1. A heartbeat protects: no eviction before the timeout has passed. It counts from a clock
//     reading within the call, or from [Announcement].LastContact. [Registry.Heartbeat]
//  2. One departure per registration. Its cleanup is repeated until it succeeds or is given up.
//     [Departure]
//  3. The past cannot touch the present: what is older, or has ended, changes nothing.
//     [Announcement]
//  4. Silence counts only while the registry observes its hosts: stalls evict no host. [Config]
//  5. A sweep decides; the clock only shows. Only a sweep evicts a host for its silence.
//     [Registry.Get]
//  6. Detection is bounded under Run, whatever the number of hosts, and measured. [Registry.Run]
//  7. Memory is released after departure and cleanup, but for recent ends. [Stats]
//  8. Callbacks may block, fail or panic: sweeps, heartbeats and other callbacks go on. A call that
//     hangs holds up another one for a bounded time, and is counted while it hangs. [Config]
//  9. No hidden goroutines. Those of Run end with it, and those of a Sweep, Drain, Leave or Evict
//     with the call, except for callbacks that ignore their context. [Registry.Run]
//  10. Order. Events of one host arrive in order, and no gap goes unnoticed. [Registry.Watch]
//  11. Every eviction can be explained by what its departure says. [Evidence]
//  12. Fairness. The cleanup or confirmation that has waited longest is first. [Config]
//
// # Testing
//
// A test needs no real time. It sets [Config].Clock to a clock.Mock, and moves the Mock:
//   - Without Run: Add, then [Registry.Sweep]. Sweep and [Registry.Leave] run cleanups and wait for
//     them. [Registry.Next] says how far to move. See the package Example "Testing".
//   - With Run: Add alone. It stops until Run has swept at each time on the way. Package hosttest
//     starts and ends Run, keeps hosts alive, and waits for cleanups. See the Example "TestingRun".
//   - A pause of the process: Set. The clock jumps, and under Run that is a stall.
//
// In a testing/synctest bubble, leave Clock nil. Then time.Sleep moves the time: see the Example
// "TestingSynctest". The fake clocks of other modules do not wait for Run, so none of their steps
// is a stall by default. A test then waits for what it expects, with BlockUntil or a channel.
//
// Callbacks run on other goroutines, so t.FailNow is not allowed there. Without Run, Sweep and
// Leave wait for a callback that ignores its context until a time of the fake clock. So another
// goroutine must move the clock.
//
// # Policies
//
// A [Policy] says how much silence makes a host suspect, and how much evicts it:
//   - [Fixed] counts intervals. Fixed(2) is the default.
//   - [Tiered] distinguishes network jitter from hosts that are really offline, by fixed durations.
//   - [PhiAccrual] adapts to the arrival history of each host.
//   - A policy of your own is one method. See the Example of [Policy]. The Example of
//     [HistoryPolicy] is a policy that uses the arrival history.
//
// To try a policy before it decides, set [Config].Shadow: it only counts. After the answers of a
// policy have changed, call [Registry.Reconsider]. [EvictionLimit] and [Config].Confirm hold hosts
// back when too many are silent at once, or when a last probe succeeds.
//
// # Cleanup
//
// [Config].Cleanup frees what the embedder keeps for a host. An error is retried, with pauses of up
// to 30 s, so Cleanup must be idempotent. A try may come after the host has joined again, so free by
// Host.Registration, and not by the id. The context of a try ends after [Config].CleanupTimeout.
// Leave waits for the first try. If that fails, Leave returns an error that wraps
// [ErrCleanupPending]. [Stats].Cleanup counts cleanups that are pending, and those that run. See
// the Example of [Config], "Cleanup".
//
// To store data that Cleanup will free, use [Registry.While]: the cleanup begins only after it has
// returned. That does not hold for the Cleanup of package share.
//
// While the cleanup of an id fails or hangs, at most 16 of the id stay pending. When one more
// comes, the oldest is given up.
//
// # Restart and shutdown
//
// Run cancels running cleanups when its context ends, and returns when they have returned, or after
// 10 s. Cleanups that failed, or did not begin, stay pending. Run then returns an error that wraps
// [ErrCleanupPending]. To finish them, call [Registry.Drain] with another context. It evicts no
// host. [Registry.Pending] lists what is still owed after that. See the package Example "Shutdown".
//
//	err := group.Wait() // an errgroup of hosts.Run and of the servers
//	if errors.Is(err, hostmgr.ErrCleanupPending) {
//		err = nil // Drain does the cleanups, or says how many are left
//	}
//	last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
//	defer cancel()
//	return errors.Join(err, hosts.Drain(last))
//
// To keep hosts and owed cleanups over a restart, store what [Registry.All] and [Registry.Pending]
// yield, and pass both to [Registry.Restore] in the next process. See the package Example
// "Restart". A restored host has its full timeout. Until its next contact, its last contact is
// shown as before, and a suspect stays suspect. Without Restore, the answer to each heartbeat is
// [ErrUnknownHost], and hosts announce themselves again.
package hostmgr
