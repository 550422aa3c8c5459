package model

// defects are faults of the protocol, put back: to see that the oracle sees them.
type defects struct {
	noWait      bool // does not wait until the others have read the question
	noHistory   bool // read marks are numbers only: they do not name the history
	noHold      bool // the read mark does not stop at a question about a host that it has heard
	noStall     bool // silence counts while the process was paused
	noChain     bool // does not check that each change follows the one before it
	noQuiet     bool // asks at once after an outage, or after the table has gone back
	oldName     bool // keeps its id after its record was removed
	earlyReady  bool // acknowledges contacts before it has read its own record
	noHandover  bool // the heir does not wait for the timeout
	noLease     bool // settles a claim however old its latest renewal is
	lateClean   bool // begins a cleanup however old its latest renewal is
	takeClaimed bool // takes a host that is claimed by a live keeper
	goneApart   bool // the gone record is not in the batch of the delete
	alwaysBack  bool // what a snapshot lacks was forgotten, although the table did not go back
	neverBack   bool // what a snapshot lacks has departed, although the table went back
	buryBlind   bool // buries members that it could not have heard
	noRemoval   bool // contacts at a member that died count for nothing
	noMemory    bool // does not remember registrations that ended
	noGone      bool // deletes a gone record before all members have read it
	noDoubt     bool // a number is used again although its registration may have departed
	longFence   bool // an old primary accepts writes for longer than Lapse
	noRenumber  bool // a departure that was decided ends a host that another member has taken
}
