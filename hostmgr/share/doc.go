// Package share lets several processes, each with its own registry, share one view of the hosts.
//
// A host is silent only if it is silent to all members. Its departure happens once, and each member
// sees it. When a member ends, the others judge its hosts. The members share a [Store]: a table of
// versioned records in an engine such as Redis or etcd. This package has one Store, [Memory], for
// tests and for several registries in one process. Package storetest checks a Store of your own.
//
//	hosts, err := hostmgr.New(hostmgr.Config[Peer]{...})
//	member, err := share.New(share.Config[Peer]{Registry: hosts, Store: store})
//	go hosts.Run(ctx)
//	go member.Run(ctx)
//
//	// In the handlers of the service:
//	if !member.Ready() {
//		_, _ = hosts.Heartbeat(id, incarnation) // it has been heard, if it is registered
//		return errUnavailable                   // the host tries another member
//	}
//	ack, err := hosts.Announce(...)
//
// That heartbeat counts after an outage of the engine. Then the members ask each other about hosts
// that were silent. A host that all of them have refused would be evicted, if none had recorded that
// it was heard. Do not announce it: it may have left at another member.
//
// A process may be frozen between Ready and Announce. If a host must rely on the answer, ask Ready
// again after the call. Answer the health check of a load balancer by Ready, too, but never a
// check that restarts the process. If no member is ready, the load balancer must still send the
// contacts to some member (it must fail open), or that heartbeat is not made: then hosts that were
// silent to all members for longer than their timeout are evicted soon after the outage. If it
// cannot, set [hostmgr.EvictionLimit].
//
// Heartbeats are not written to the table. Each host has a keeper: the member that judges it by its
// own registry. Before the keeper evicts a host, it asks in the table, and waits until all live
// members have read the question. A member that has heard the host answers: it becomes the keeper.
// In a steady state each member writes one small record a second, whatever the number of hosts. See
// PROTOCOL.md.
//
// # Promises
//
//   - A contact that a Ready member acknowledged before the question was asked protects its host.
//   - A registration departs once, for all members. If the engine loses a departure, it is written
//     again, and no registry shows it twice.
//   - [Config].Cleanup runs at least once for each departure, except those by Forget. It runs on
//     one member at a time, with the exceptions listed there.
//   - A member that is out of touch with the engine evicts no host. When it is out of touch for
//     longer than [Config].Lapse, the other members judge its hosts.
//
// # What is shared
//
// These changes happen in all registries, at whichever member they were made:
//   - a join, and a departure of any kind;
//   - a change of the metadata, the interval or the zone, by Announce or Update.
//
// The other members learn of a change some milliseconds later. Until then a heartbeat of a new host
// gets ErrUnknownHost from them. The host then announces itself again, and its registration may get
// another number: see Ack.Registration. [Member.Flush] waits until all changes are in the table.
//
// These apply to one registry only:
//   - ForgetFor. Another member accepts the host at its next announce, and then it is back in all
//     registries.
//   - Speaker and Revision of an announce. They are compared only with announces at the same
//     member. So an announce that arrives late, at another member, replaces newer metadata.
//   - While. It holds back the Cleanup of its registry, and not that of this package.
//   - MaxHosts. It refuses announces at its registry. Hosts of other members join, and count.
//   - Stats. Each registry counts each join and each departure, so do not add up the figures.
//
// Pacing and EvictionLimit count the hosts of all members, so Pacing.PerSecond is for all members
// together. The keeper applies its own Policy, EvictionLimit and Confirm. So all registries should
// have the same ones.
//
// # Shutdown
//
// First end the servers, then the context of both Runs, and then call Drain of the registry. A
// contact that comes later is acknowledged, but no other member knows of it.
//
// The other members take over the hosts, and the calls of [Config].Cleanup that are owed. They may
// keep a silent host for one more timeout, because this member may have heard it last. If the store
// did not answer, [Member.Run] returns an error that wraps [ErrNoGoodbye], and the others wait for
// Lapse first. An errgroup returns only the first error, so log that of Run.
//
// The next process needs no Restore: the table has the hosts.
//
// After Run has ended, the registry is still shared: silence evicts no host. A later Run joins
// again, with a new id.
//
// # Testing
//
// In a testing/synctest bubble, members on one [Memory] need nothing else. time.Sleep moves the
// time, and leaves time for the members: see the package Example.
//
// Otherwise give all registries the same clock.Mock. It waits for the registries and the members,
// but not for the feed. So a test moves it in small steps, until what it expects has happened: see
// the Example "Testing". Package hosttest can run the registries: call its Run for each of them,
// and move them all by the Advance of one, in small steps, too.
package share
