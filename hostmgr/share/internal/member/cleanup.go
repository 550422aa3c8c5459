package member

import (
	"slices"

	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

// A Cleanup is one call of the shared cleanup.
type Cleanup struct {
	Host    string
	Gone    record.Gone
	Attempt int
	debt    *debt
}

// NextCleanup returns the next cleanup to be done by this member. The caller calls Cleaned with it
// later.
func (c *Core) NextCleanup() (x Cleanup, ok bool) {
	b := &c.debts
	if b.running >= maxCleaning || !c.acts() || c.now+c.Lapse/2 >= c.lease() { // without a lease another may take over
		return x, false
	}
	for i := 0; i < len(b.ready); {
		d := b.ready[i]
		if b.busy[d.host] {
			i++
			continue
		}
		if i == 0 {
			b.ready = b.ready[1:] // most are the first
		} else {
			b.ready = slices.Delete(b.ready, i, i+1)
		}
		if x, ok := c.beginCleanup(d); ok {
			return x, true
		}
	}
	return x, false
}

// beginCleanup begins the cleanup of a debt, unless that is not due any more.
func (c *Core) beginCleanup(d *debt) (x Cleanup, ok bool) {
	d.ready = false
	g, err := record.DecodeGone(d.value)
	if err != nil || c.debts.of[d.key] != d || d.cleaner != c.self.id || d.cleaned {
		return x, false
	}
	d.running = true
	d.attempt++
	c.debts.busy[d.host] = true
	c.debts.running++
	return Cleanup{d.host, g, d.attempt, d}, true
}

// Cleaning reports how many cleanups run here.
func (c *Core) Cleaning() int { return c.debts.running }

// Cleaned takes the outcome of a cleanup. After a failure it is tried again, with pauses that
// double up to 30 s.
func (c *Core) Cleaned(x Cleanup, ok bool, now int64) {
	c.now = max(c.now, now)
	d, b := x.debt, &c.debts
	d.running = false
	delete(b.busy, d.host)
	b.running--
	if ok {
		c.counts.Cleanups++
		d.cleaned, d.done = true, true
	} else {
		c.counts.FailedCleanups++
	}
	if d.cleaned { // perhaps by another member
		b.look(c, d.key)
		return
	}
	b.later(c, d, c.now+min(firstPause<<min(d.attempt-1, 10), maxPause))
}

// Unmarked reports whether a cleanup is done here, and the table does not have that.
func (c *Core) Unmarked() bool {
	for _, d := range c.debts.of {
		if d.done && !d.marked {
			return true
		}
	}
	return false
}
