package storetest

import "github.com/hostlife/hostlife/hostmgr/share"

// positions begins feeds after changes that are in the history of the table, and after some that
// are not.
func (c *check) positions() {
	c.requireBack("after no change", share.Position{}, false)
	f := c.follow()
	f.waitSynced()
	c.requireBack("where another one began", positionOf(&f.all()[0]), false)
	c.fill(0, 20)
	writes := c.fill(20, 1)
	f.waitFor("20", writes[0].Version)
	middle := f.position()
	writes = c.fill(21, 30)
	f.waitFor("50", writes[29].Version)
	end := f.position()
	c.requireBack("after an earlier change", middle, false)
	c.requireBack("after the latest change that was read", end, false)

	other := end
	other.Epoch += "x"
	c.requireBack("after a change of another epoch", other, true)
	c.requireBack("at the beginning of another epoch", share.Position{Epoch: other.Epoch}, true)
	for _, at := range []share.Position{middle, end} {
		at.Version ^= 1
		c.requireBack("after a version that never was", at, true)
	}
	ahead := end
	ahead.Revision += 1 << 40
	c.requireBack("after a revision that is ahead of the table", ahead, true)
	c.fill(100, 50)
	c.requireBack("after a change with others after it", end, false)
}

// requireBack checks the first frame of a feed that begins after a position.
func (c *check) requireBack(where string, after share.Position, want bool) {
	c.Helper()
	f := c.followAfter(after)
	f.waitSynced()
	f.end()
	frames := f.all()
	if got := frames[0].Back; got != want {
		c.Fatalf("a feed that begins %s: Back is %v", where, got)
	}
	if err := checkChain(frames); err != nil {
		c.Fatalf("a feed that begins %s: %v", where, err)
	}
}

// lostAndOverwritten has a reader that has read what is lost, and reads again when the revisions of
// the table have passed those of the lost changes.
func (c *check) lostAndOverwritten(lose func()) {
	kept, lost := c.overwritten(func(lost share.Position) {
		lose()
		c.requireBack("after a change that was lost", lost, true)
	})
	c.requireBack("after a change that was lost and overwritten", lost, true)
	c.requireBack("after a change that was not lost", kept, false)
	again := c.follow()
	again.waitSynced()
	c.requireBack("after a change that came after the loss", again.position(), false)
}

// lostAndTrimmed is lostAndOverwritten with a log that does not reach back to the loss. The first
// call of fault loses, the second one trims.
func (c *check) lostAndTrimmed(fault func()) {
	_, lost := c.overwritten(func(share.Position) { fault() })
	fault()
	c.requireBack("after a change that was lost, from before the log", lost, true)
	again := c.follow()
	again.waitSynced()
	c.requireBack("after the latest change", again.position(), false)
}

// overwritten writes changes one by one, calls lose with the position of the last one, and writes
// more than can be lost. It returns the positions of changes that are not lost, and lost.
func (c *check) overwritten(lose func(share.Position)) (kept, lost share.Position) {
	c.Helper()
	f := c.follow()
	f.waitSynced()
	for i := range 50 {
		w := c.fill(i, 1)[0]
		f.waitFor(c.bare(w.Key), w.Version)
		if lost = f.position(); i == 0 {
			kept = lost
		}
	}
	f.end()
	lose(lost)
	for i := range 100 {
		c.fill(1000+i, 1)
	}
	return kept, lost
}

// positionOf returns the place in the history that a frame reaches.
func positionOf(x *share.Frame) share.Position {
	at := endOf(x)
	return share.Position{Epoch: x.Epoch, Revision: at.revision, Version: at.version}
}
