package mutants

// Registries that several members share.
var mirroring = []mutant{
	{
		name:    "an agreed eviction does not look again",
		seen:    "pragmaticalabs/pragmatica#1062",
		story:   "A node was terminated because it had been declared dead, and its link was not looked at again.",
		file:    "hostmgr/sharing.go",
		is:      "if a.Word != word || !st.evict(e, &a, now) {",
		becomes: "if a.Word = e.Word(); !st.evict(e, &a, now) {",
		test:    "TestAContactSavesAHostAboutWhichTheMembersAgree",
	},
	{
		name:    "an older copy replaces a newer one",
		seen:    "opensandbox-group/OpenSandbox#1673, argoproj/argo-rollouts#4786",
		story:   "A late response with an older state overwrote what a cache had seen already.",
		file:    "hostmgr/reflect.go",
		is:      "if x.r.KeepContent || e.Announced() {",
		becomes: "if x.r.KeepContent {",
		test:    "TestReflectDoesNotUndoAnAnnounceThatWasNotTaken",
	},
	{
		name:    "a suspicion that nothing ends",
		seen:    "found here, 2026-11-29",
		story:   "A suspect host got other numbers and was alive, but watchers got no EventRecovered.",
		file:    "hostmgr/reflect.go",
		is:      "e.SetSuspect(old.Suspect())",
		becomes: "e.SetSuspect(false)",
		test:    "TestARenumberedHostStaysSuspectOrRecovers",
	},
	{
		name:    "a change is lost when its key changes",
		seen:    "found here, 2026-11-29",
		story:   "A host that had changed got other numbers before its change was taken, and no member learned of it.",
		file:    "hostmgr/local.go",
		is:      "c.hosts = append(c.hosts, keyOf(to))",
		becomes: "_ = keyOf(to)",
		test:    "TestAChangeOutlivesARenumbering",
	},
	{
		name:    "an ended registration comes back",
		seen:    "opensandbox-group/OpenSandbox#1673, in deletions",
		story:   "A late response put an object back into a cache that had seen its deletion.",
		file:    "hostmgr/reflect.go",
		is:      "case x.state.local.ended[hostKey{x.hash, x.registration}] > 0:",
		becomes: "case false:",
		test:    "TestReflectBringsNoRegistrationBackThatHasEndedHere",
	},
	{
		name:    "a contact that ends with the registration",
		seen:    "found by the model of the sharing protocol",
		story:   "A process left at one member, and went on under another number. Another member had heard it, forgot that with the old number, and let it be evicted.",
		file:    "hostmgr/sharing.go",
		is:      "s.local.parted.add(e, contact, now)",
		becomes: "_ = contact",
		test:    "TestAContactCountsForTheNextRegistrationOfTheProcess",
	},
}
