package mutants

// What the Stores on Redis and etcd get wrong.
var stores = []mutant{
	{
		name:    "a timeout at the deadline is no end of the context",
		seen:    "found here: a test of Feed failed once in CI",
		story:   "A dial ended at the deadline of its context, a moment before the context had an error. The caller got an i/o timeout.",
		file:    "contrib/hostredis/ended.go",
		is:      "!clock.System().Now().Before(deadline)",
		becomes: "clock.System().Now().After(deadline.AddDate(1, 0, 0))",
		test:    "TestATimeoutAtTheDeadlineIsTheEndOfTheContext",
	},
	{
		name:    "a feed that waits for a dead primary of a cluster",
		seen:    "found here, with a cluster of three primaries",
		story:   "A primary died, and its replica was promoted. For a minute, the client went on asking the dead one.",
		file:    "contrib/hostredis/line.go",
		is:      "c.ReloadState(ctx)",
		becomes: "_ = c",
		test:    "TestClusterOfThreePrimaries",
	},
	{
		name:    "a feed that waits for a silent server",
		seen:    "found here, with a proxy that passes nothing",
		story:   "The client allowed an answer ten seconds more than the read may wait. So a feed noticed late that the machine of its server was gone.",
		file:    "contrib/hostredis/line.go",
		is:      "if o.ReadTimeout <= 0 {",
		becomes: "if o.ReadTimeout += 10 * time.Second; o.ReadTimeout <= 0 {",
		test:    "TestFeedNoticesASilentServer",
	},
	{
		name:    "a call that times out at the deadline is no end of the context",
		seen:    "found here, as in package hostredis",
		story:   "gRPC ended a call at the deadline of its context, a moment before the context had an error. The client passed the status on.",
		file:    "contrib/hostetcd/store.go",
		is:      "!clock.System().Now().Before(deadline)",
		becomes: "clock.System().Now().After(deadline.AddDate(1, 0, 0))",
		test:    "TestATimeoutAtTheDeadlineIsTheEndOfTheContext",
	},
}
