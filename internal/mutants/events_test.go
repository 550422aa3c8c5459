package mutants

// Events of watchers.
var events = []mutant{
	{
		name:    "events are dropped silently",
		seen:    "hivecommons/hive#6218",
		story:   "A subscriber whose channel was full missed events, and had no way to know.",
		file:    "hostmgr/emit.go",
		is:      "w.miss(s.counts.Sweeps)",
		becomes: "",
		test:    "TestPromise10OrderAndNoSilentGap",
	},
	{
		name:    "events queue up without bound",
		seen:    "kubernetes/client-go#1326, kubernetes/kubernetes#121474",
		story:   "Notifications for a handler that stalled were kept until memory ran out.",
		file:    "hostmgr/watcher.go",
		is:      "return w.missed == 0 && w.queued < maxQueue",
		becomes: "return w.missed == 0",
		test:    "TestPromise10OrderAndNoSilentGap",
	},
	{
		name:    "a gap, and no snapshot after it",
		seen:    "herdrdev/herdr#4178",
		story:   "A subscriber that had missed events went on with later ones.",
		file:    "hostmgr/watch.go",
		is:      "w.missed, w.cursor, w.synced = 0, index.Cursor{}, false",
		becomes: "w.missed = 0\n\t\t_ = index.Cursor{}",
		test:    "TestPromise10OrderAndNoSilentGap",
	},
	{
		name:    "the list and the watch overlap",
		seen:    "bobmatnyc/trusty-tools#6386",
		story:   "Changes between the snapshot and the subscription were delivered twice or not at all.",
		file:    "hostmgr/emit.go",
		is:      "case !w.cursor.Passed(e):",
		becomes: "case e.Word() < 0 && !w.cursor.Passed(e):",
		test:    "TestAMirrorIsCompleteAtSynced",
	},
	{
		name:    "delivered hosts are kept",
		seen:    "alexguan/node-zookeeper-client#31",
		story:   "When a watch had fired, its manager kept the event's data.",
		file:    "hostmgr/watch.go",
		is:      "w.synced, w.hosts, w.joined = true, nil, nil",
		becomes: "w.synced = true",
		test:    "TestWatchReleasesDepartedHosts",
	},
	{
		name:    "a watcher that ended still gets events",
		seen:    "etcd-io/etcd#328, tikv/pd#7807",
		story:   "Watchers whose client had gone stayed registered.",
		file:    "hostmgr/watch.go",
		is:      "\t\tdefer r.unsubscribe(w)\n",
		becomes: "",
		test:    "TestALoopThatEndedKeepsNothing",
	},
}
