package announcer

import "github.com/hostlife/hostlife/hostmgr"

// owed says for which registration Joined is to be called. The zero value owes nothing.
type owed struct {
	ack     hostmgr.Ack // of the latest registration
	round   uint64      // counts the registrations; each Ack to an announce without a number counts as one
	pending bool        // Joined has not succeeded for it
	done    uint64      // the registration for which Joined succeeded last
}

// accepted is called with each Ack. A heartbeat cannot begin a registration, unless its number says
// so.
func (o *owed) accepted(ack hostmgr.Ack, announce bool) {
	switch same := ack.Registration == o.ack.Registration; {
	case ack.Registration == 0 && !announce:
	case ack.Registration == 0, !same:
		o.round++
		o.pending = ack.Registration == 0 || ack.Registration != o.done
	default:
		o.pending = ack.Registration != o.done
	}
	o.ack = ack
}

// over is called when the registration has ended. No call is owed until there is another.
func (o *owed) over() { o.pending = false }

// succeeded is called when Joined has succeeded for what was owed in a round.
func (o *owed) succeeded(registration, round uint64) {
	o.done = registration
	if round == o.round {
		o.pending = false
	}
}
