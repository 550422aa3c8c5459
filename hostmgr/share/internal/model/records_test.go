package model

import "time"

// A hostRecord is the current registration of a host.
type hostRecord struct {
	registration, incarnation int // incarnation 0: assigned by a registry
	keeper                    int // a member's id
	suspect, asked, claimed   bool
	askedAt                   time.Duration // when the question was written: for the oracle
}

// A memberRecord is renewed as long as its member lives.
type memberRecord struct {
	age         int           // of the table, in renewals
	read        int           // revision up to which it has read, and answered
	readVersion uint64        // of the change with that revision: it names the history
	sent        time.Duration // by the member's own clock; only the member itself reads it
}

// A goneRecord is a cleanup that is owed.
type goneRecord struct {
	registration, host, incarnation int
	kind                            departure
	cleaner                         int  // a member's id
	done                            bool // only members that have not read of it need it any more
	repeated                        bool // the table has lost it before: it may be done
}

type departure string

const (
	left     departure = "left"
	evicted  departure = "evicted"
	replaced departure = "replaced"
	unseen   departure = "unseen" // it ended while this member could not read
)
