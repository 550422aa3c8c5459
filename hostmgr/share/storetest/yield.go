package storetest

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// yieldFalse ends a feed in its first frame, and another one at a change.
func (c *check) yieldFalse() {
	c.requireEnds("in the first frame", func(share.Frame) bool { return true }, func(*follower) {})
	c.requireEnds("at a change", func(x share.Frame) bool { return len(c.own(x.Changes)) > 0 }, func(f *follower) {
		f.waitSynced()
		c.fill(0, 1)
	})
}

// requireEnds checks that a feed ends when yield returns false, because last is true. trigger makes
// that happen.
func (c *check) requireEnds(when string, last func(share.Frame) bool, trigger func(*follower)) {
	c.Helper()
	var ended, again atomic.Bool
	f := c.followWith(share.Position{}, func(_ *follower, x share.Frame) bool {
		if ended.Load() {
			again.Store(true)
			return false
		}
		ended.Store(last(x))
		return !ended.Load()
	})
	trigger(f)
	f.returns("after yield has returned false")
	if f.err != nil {
		c.Errorf("%s, Feed returned %v after yield had returned false", when, f.err)
	}
	if again.Load() {
		c.Errorf("%s, yield was called again after it had returned false", when)
	}
}

func (c *check) sameGoroutine() {
	var other atomic.Bool
	f := c.followWith(share.Position{}, func(f *follower, x share.Frame) bool {
		if goroutine() != f.caller {
			other.Store(true)
		}
		return len(c.own(x.Changes)) == 0
	})
	f.waitSynced()
	c.fill(0, 1)
	f.returns("after yield has returned false")
	if other.Load() {
		c.Fatal("yield was called on another goroutine")
	}
}

// goroutine returns the name of the calling goroutine, as a stack trace has it.
func goroutine() string {
	buf := make([]byte, 64)
	name, _, _ := strings.Cut(string(buf[:runtime.Stack(buf, false)]), " [")
	return name
}

// slowReader has a reader that waits in yield. Meanwhile others read and write.
func (c *check) slowReader() {
	release := make(chan struct{})
	unblock := sync.OnceFunc(func() { close(release) })
	defer unblock()
	f := c.followWith(share.Position{}, func(*follower, share.Frame) bool {
		<-release
		return true
	})
	f.wait("the first frame", func() bool { return len(f.frames) > 0 })
	writes := c.fill(0, 300)
	c.requireRecords("while a reader waits in yield", writes...)
	unblock()
	f.end()
}
