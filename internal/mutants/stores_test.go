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
		name:    "a call that times out at the deadline is no end of the context",
		seen:    "found here, as in package hostredis",
		story:   "gRPC ended a call at the deadline of its context, a moment before the context had an error. The client passed the status on.",
		file:    "contrib/hostetcd/store.go",
		is:      "!clock.System().Now().Before(deadline)",
		becomes: "clock.System().Now().After(deadline.AddDate(1, 0, 0))",
		test:    "TestATimeoutAtTheDeadlineIsTheEndOfTheContext",
	},
}
