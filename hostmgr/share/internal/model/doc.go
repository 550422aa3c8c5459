// Package model is an executable model of the protocol by which several registries share one view
// of their hosts. It has tests only. One seed decides a run: two to four members, a table with a
// feed, hosts, and faults. An oracle knows what really happened, and compares it with the promises.
//
// # What is modelled
//
// The world is virtual time (world_test.go). A node is a place where a process runs, one member
// after another (node_test.go). It may crash, say goodbye, be frozen, or be cut off. A message
// takes time. Some messages are slow, and arrive after the sender has given up. The table has
// versioned records and a feed (table_test.go). It may be down, lose its latest changes, restart
// empty, trim its log, or have two primaries. Then a node may read from one and write to the other.
//
// A member is the protocol, with as much of a registry as it needs:
//   - feed_test.go, snapshot_test.go: it reads changes, starts over, and decides about what is
//     missing
//   - membership_test.go, renewal_test.go: which members are alive, the renewal, the read mark
//   - registry_test.go: contacts, departures, what is remembered of them, stalls
//   - host_test.go, claim_test.go: the rules for the record of a host, the claim and its lease
//   - gone_test.go: cleanups that are owed
//
// Time in a member is its own monotonic clock. A stall is not observed: silence does not count in
// it. A host may have one home, announce itself to all members, or to a random one each time
// (load_test.go). It may have incarnations, or numbers that a registry assigned.
//
// # What must hold
//
//   - A contact that a live member acknowledged before the question was asked protects its host. A
//     member is live if it has a record, or if nothing has happened to its process for one Lapse.
//   - A contact that a member acknowledged before it died protects its host for one timeout. After
//     twice the timeout and one Lapse a host is evicted whatever may have been heard elsewhere.
//   - A registration departs at most once in each process, and once in the table.
//   - A registration that was in the table departs, and its cleanup is done. The exception is one
//     that no process knows any more after the engine has lost it: those are counted.
//   - A shared cleanup is done twice only if a process that did it was interrupted meanwhile, or if
//     the engine went back. Those are counted.
//   - No member evicts a host that another one has taken. The exception is the side of an old
//     primary, which cannot know: those are counted.
//   - No member is removed for nothing, not even after an outage of the engine.
//   - At the end all mirrors are equal, and nothing is left over.
//
// TestMixes plays seeds of each mix of faults. TestEachFaultIsCaught puts faults of the protocol
// back, one at a time, and requires that the oracle sees them. To play one seed and trace it:
//
//	go test -v -run 'TestMixes/^cut$' ./hostmgr/share/internal/model -seed 7
//
// To play 10,000 seeds of each mix:
//
//	HOSTLIFE_LONG=1 go test -timeout 0 -run TestMixes -v ./hostmgr/share/internal/model
package model
