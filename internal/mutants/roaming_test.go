package mutants

// Hosts that make each contact at a random one of several members.
var roaming = []mutant{
	{
		name:    "a relief at any contact",
		seen:    "found here, 2026-11-30",
		story:   "After the first contact at which a host could be relieved, each contact at another member took it: two of three, where one of two was enough.",
		file:    "hostmgr/share/internal/member/relief.go",
		is:      "return at >= n && at%n < l.Interval",
		becomes: "return at >= n",
		test:    "TestTheKeeperThatHearsTheLastContactIsNotRelieved",
	},
	{
		name:    "a host at all members is taken for one that roams",
		seen:    "found here, 2026-11-30",
		story:   "A host had roamed once, and then made each contact at all members. They took it from one another for ever.",
		file:    "hostmgr/share/internal/member/roamers.go",
		is:      "case moved && !needed && e.keeper != 0 && l.Ago < l.Interval/2:",
		becomes: "case false:",
		test:    "TestAHostAtAllMembersCostsNothing",
	},
	{
		name:    "a question at the very end of the timeout",
		seen:    "found here, 2026-11-30",
		story:   "With Fixed(2) the second contact is due when the timeout ends. The keeper asked half of the time, just before that contact came.",
		file:    "hostmgr/share/internal/member/relief.go",
		is:      "if wait <= 0 || wait > more",
		becomes: "if wait != 0 || wait > more",
		test:    "TestAHostThatRoamsCostsFewWrites",
		pkg:     "hostmgr/share",
	},
	{
		name:    "an awaited host keeps its mark",
		seen:    "found here, 2026-11-30",
		story:   "The word of a host that a member waited for was marked like that of a suspect. The member became its keeper, and found it suspect only when it was due.",
		file:    "hostmgr/reflect.go",
		is:      "e.ClearSuspect(e.Word()) // Await ends: a contact that comes in between has cleared it",
		becomes: "",
		test:    "TestAHostThatIsKeptHereIsNotAwaited",
	},
}
