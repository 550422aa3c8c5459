package mutants

// The host's side.
var announcing = []mutant{
	{
		name:    "a heartbeat that hangs holds up the next ones",
		seen:    "apache/uniffle#927",
		story:   "One slow heartbeat kept those after it waiting for a minute, and the coordinator removed the server.",
		file:    "hostmgr/announcer/schedule.go",
		is:      "s.flights >= maxFlights,",
		becomes: "s.flights >= 1,",
		test:    "TestAttemptsInOneInterval",
	},
	{
		name:    "an unknown host goes on with heartbeats",
		seen:    "amalgam8/amalgam8#9",
		story:   "A sidecar ignored the answer to its heartbeats, and did not register again after it had expired.",
		file:    "hostmgr/announcer/core.go",
		is:      "\t\tc.forgotten()\n\t\tc.hurry(now)\n",
		becomes: "\t\tc.hurry(c.due + int64(c.interval))\n",
		test:    "TestHeartbeats",
	},
	{
		name:    "a heartbeat under way registers again after the end",
		seen:    "elizaOS/eliza#24470",
		story:   "A refresh that was under way at shutdown recreated the keys that unregister had deleted.",
		file:    "hostmgr/announcer/leaving.go",
		is:      "s.waitUntil(until-timeout/waitPart, func",
		becomes: "s.waitUntil(s.now, func",
		test:    "TestTheAnnounceUnderWayIsWaitedFor",
	},
	{
		name:    "hosts that were paused together stay together",
		seen:    "dragonflyoss/Dragonfly2 client/daemon/announcer/announcer.go",
		story:   "The announces of a daemon follow one another by a ticker from its start, whatever other daemons do.",
		file:    "hostmgr/announcer/schedule.go",
		is:      "s.due += ((from-s.due)/interval + 1) * interval",
		becomes: "s.due = from + interval",
		test:    "TestThePhaseIsKept",
	},
	{
		name:    "an announce that Dragonfly takes is refused",
		seen:    "examples/internal/schedulerd: an interval of 48 h was InvalidArgument",
		story:   "A daemon whose first announce is refused does not start. Dragonfly refuses no interval.",
		file:    "examples/internal/schedulerd/intervals.go",
		is:      "return min(max(interval, minInterval), maxInterval)",
		becomes: "return interval",
		test:    "TestEachIntervalIsTaken",
	},
}
