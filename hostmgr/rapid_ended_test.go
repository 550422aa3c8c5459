package hostmgr_test

import (
	"time"

	"pgregory.net/rapid"
)

// ForgetFor keeps a host out, from the shortest time to more than what is remembered of a Leave.
func (x *machine) ForgetFor(t *rapid.T) {
	id, incarnation := someID.Draw(t, "id"), someIncarnation.Draw(t, "incarnation")
	d := rapid.SampledFrom([]time.Duration{1, 50 * time.Millisecond, 6 * time.Minute}).Draw(t, "keepOut")
	agree(t, x.m.keepOut(id, incarnation, d), x.Registry.ForgetFor(id, incarnation, d))
}

// AdvanceToEnd moves the clock to the last nanosecond at which an end is remembered, or one beyond.
func (x *machine) AdvanceToEnd(t *rapid.T) {
	id := someID.Draw(t, "of")
	until := max(x.m.ended[id].until, x.m.keeps(id).until)
	until += time.Duration(rapid.IntRange(-1, 1).Draw(t, "beyond"))
	if until > x.m.now {
		x.advance(x.m.behind + until - x.m.now)
	}
}
