package measure

import (
	"fmt"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/peers"
)

// A pace is how long a peer takes for what must be over before hosts are due. All of
// it happens in real time, so a timeout must be longer than that; but we have to wait
// for it, so not much longer.
type pace struct {
	register, heartbeat, leave, sweep, grace time.Duration
	slack                                    time.Duration // doubled when all that was not enough
}

// calibrate tries the peer's pace out, before its first round.
func (b *bench) calibrate(p peers.Peer) error {
	if _, known := b.paces[p.Name]; known || !b.wants("sweep_rearm", "evict_all", "heap_after_evict",
		"beat_p99_during_evict", "beat_max_during_evict") {
		return nil
	}
	b.step(p.Name, "finding its pace")
	r := p.New(time.Hour)
	defer r.Close()
	c := pace{grace: p.Grace, slack: 100 * time.Millisecond}
	c.register = clocked(func() { b.ids.register(r); heap() })
	var err error
	part := max(1, b.opt.N/10)
	c.heartbeat = clocked(func() { err = b.ids.beatAll(r, part) }) * time.Duration(b.opt.N/part)
	c.sweep = clocked(func() { r.Sweep() })
	c.leave = clocked(func() {
		for i := range part {
			r.Leave(b.ids.id(i))
		}
	}) * time.Duration(b.opt.N/part)
	b.paces[p.Name] = c
	return err
}

func clocked(do func()) time.Duration {
	start := time.Now()
	do()
	return time.Since(start)
}

// gap is the time between registering and heartbeats: by so much later are the deadlines
// of the hosts that heartbeat, and within it a sweep has to judge them all.
func (c pace) gap() time.Duration { return c.slack + 3*c.sweep + 2*c.grace }

// timeout is enough to register, pause and heartbeat before the first one is due, and
// for a mass eviction to be over before the hosts that heartbeat just before it are due.
func (c pace) timeout() time.Duration {
	return c.slack + max((c.register+c.heartbeat)*3/2, c.register+2*c.leave) + c.gap()
}

// tardy means that something took longer than the timeout allowed for: a busy
// machine, and no fault of the peer.
type tardy struct{ what string }

func (t tardy) Error() string { return fmt.Sprintf("took too long to %s", t.what) }

// learn updates a peer's pace, because the machine is busier, or less
// busy, than it was.
func (b *bench) learn(p peers.Peer, change func(*pace)) pace {
	c := b.paces[p.Name]
	change(&c)
	b.paces[p.Name] = c
	return c
}

// patiently repeats do with more and more timeout as long as it was late.
func (b *bench) patiently(p peers.Peer, do func(pace) error) error {
	for try := 1; ; try++ {
		err := do(b.paces[p.Name])
		if _, late := err.(tardy); !late || try == 5 { //nolint:errorlint // never wrapped
			return err
		}
		c := b.learn(p, func(c *pace) { c.slack *= 2 })
		b.progress.Note("%s %v; again with a timeout of %v", p.Name, err, c.timeout().Round(time.Millisecond))
	}
}
