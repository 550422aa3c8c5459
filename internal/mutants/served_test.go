package mutants

// What serves many, and lets one of them hold up or end the others.
var served = []mutant{
	{
		name:    "a query that finds no room goes to the back again",
		seen:    "vespa-engine/vespa#20529",
		story:   "Among equal priorities the newest was served first. Queries that did not fit into a scan raced with all newer ones for the next scan.",
		file:    "hostmgr/hostweb/batcher.go",
		is:      "b.pending = append(b.pending, next)",
		becomes: "b.pending = slices.Insert(b.pending, 0, next)",
		test:    "TestTheQueryThatWaitsLongestGoesFirst",
	},
	{
		name:    "a text that hangs stops the page for all viewers",
		seen:    "found in the field, osparc#4067, 2026-11-29",
		story:   "Eight callbacks that hung took all places. No other callback was called, and no line said so.",
		file:    "hostmgr/hostweb/describe.go",
		is:      "limit := c.After(describeLimit)",
		becomes: "limit := make(chan time.Time)",
		test:    "TestASlowDescribeHasALimitForAllTexts",
	},
	{
		name:    "one refused host ends all hosts of its process",
		seen:    "found in the field, cockroach#30031, 2026-11-29",
		story:   "One host of a thousand was refused as stale. The process ended, and all its hosts with it.",
		file:    "examples/internal/peerd/peerd.go",
		is:      "refused[i], err = f.runHost(ctx, i)",
		becomes: "err, _ = f.runHost(ctx, i)",
		test:    "TestARefusedHostEndsAlone",
	},
	{
		name:    "the end of a list waits behind all changes",
		seen:    "hostmgr/watch.go: EventSynced was yielded only when no event waited",
		story:   "A loop that was slower than the changes got all hosts and never heard that they were all.",
		file:    "hostmgr/watch.go",
		is:      "if w.missed == 0 && w.cursor.Done() && !w.synced {",
		becomes: "if w.missed == 0 && w.cursor.Done() && !w.synced && w.queued == 0 {",
		test:    "TestASlowWatcherGetsAllHostsWhileTheyChange",
	},
	{
		name:    "the page tells of a hanging cleanup after it has returned",
		seen:    "found in the field, osparc#4067, 2026-11-29",
		story:   "Eight callbacks that hung took all places. The count of failures stayed 0, because it counted only what had returned.",
		file:    "hostmgr/hostweb/alert.go",
		is:      "if c.LeftBehind > 0 {",
		becomes: "if c.LeftBehind > 0 && c.Running == 0 {",
		test:    "TestAlertsWhileACleanupHangs",
	},
	{
		name:    "the page does not tell of two machines with one id",
		seen:    "found in the field, consul#13037, 2026-11-29",
		story:   "Two clones of a machine announced one id in turn. Its address changed 120 times in 10 minutes, and nothing said so.",
		file:    "hostmgr/hostweb/stats.go",
		is:      "p.Conflicts += o.Conflicts",
		becomes: "p.Conflicts += 0",
		test:    "TestAlertOfTwoMachinesWithOneID",
	},
}
