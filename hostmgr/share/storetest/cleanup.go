package storetest

import (
	"context"
	"errors"
	"slices"

	"github.com/hostlife/hostlife/hostmgr/share"
)

var errOver = errors.New("the check is over")

// cleanUp ends the goroutines of the check, reports what they found last, and deletes the records.
func (c *check) cleanUp() {
	c.Helper()
	if c.Failed() {
		c.stop(errOver) // its writers may still run
	}
	for _, f := range c.followers {
		f.cancel()
	}
	ended := c.callsEnd()
	switch err := context.Cause(c.ctx); {
	case c.Failed():
	case err != nil:
		c.Error(err)
	case !ended:
		c.inVain.Store(true)
		c.Errorf("a call of Feed has not returned %v after its context had ended", limit)
	}
	c.stop(errOver)
	c.deleteRecords()
}

// callsEnd waits until all goroutines of the check have ended. It does not wait in vain twice.
func (c *check) callsEnd() bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.calls.Wait()
	}()
	return c.waits(done)
}

// waits reports whether done is closed within the limit, or within the grace if the check has
// waited in vain before.
func (c *check) waits(done <-chan struct{}) bool {
	d := limit
	if c.inVain.Load() {
		d = grace
	}
	ctx, cancel := limited(context.Background(), d)
	defer cancel()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// deleteRecords deletes the records of the check, as far as the Store can tell.
func (c *check) deleteRecords() {
	c.Helper()
	last := newCheck(c.TB, c.store)
	last.prefix = c.prefix
	defer last.stop(errOver)
	err := errors.New("the Store hangs")
	result := make(chan error, 1)
	done := last.spawn(func() { result <- last.deleteAll() })
	if c.waits(done) {
		err = <-result
	}
	if err != nil {
		c.Logf("records are left behind: %v", err)
	}
}

// deleteAll deletes the records of the check. It runs on a goroutine of its own.
func (c *check) deleteAll() error {
	f := c.begin(share.Position{}, func(_ *follower, x share.Frame) bool { return !x.Synced })
	defer f.cancel()
	if err := f.reach(c.ctx, limit, func() bool { return f.synced }); err != nil {
		return err
	}
	batch := []share.Write{}
	for _, r := range f.records() {
		batch = append(batch, share.Write{Key: r.Key, Expect: r.Version, Version: newVersion(), Delete: true})
	}
	for part := range slices.Chunk(batch, share.MaxWrites) {
		if err := c.write(c.ctx, part); err != nil {
			return err
		}
	}
	return nil
}
