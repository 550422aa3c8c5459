package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// A follower reads a feed on a goroutine of its own and keeps all frames.
type follower struct {
	check  *check
	cancel context.CancelFunc
	caller string          // the goroutine that calls Feed
	done   <-chan struct{} // closed after Feed has returned err
	err    error

	mu     sync.Mutex // guards the fields below; not held during a wait
	frames []share.Frame
	copies []share.Frame // the frames as they were when they came
	mirror mirror
	shown  int // changes
	synced bool
	news   chan struct{} // closed with the next frame
}

// follow begins a feed. It ends with the check.
func (c *check) follow() *follower { return c.followAfter(share.Position{}) }

// followAfter begins a feed after a position. It ends with the check.
func (c *check) followAfter(after share.Position) *follower {
	return c.followWith(after, func(*follower, share.Frame) bool { return true })
}

// followWith begins a feed after a position. It ends with the check, or when then returns false for
// a frame that was kept.
func (c *check) followWith(after share.Position, then func(*follower, share.Frame) bool) *follower {
	f := c.begin(after, then)
	c.followers = append(c.followers, f)
	return f
}

// begin is followWith for a caller that cancels the feed. It may be called on any goroutine.
func (c *check) begin(after share.Position, then func(*follower, share.Frame) bool) *follower {
	ctx, cancel := context.WithCancel(context.Background())
	f := &follower{check: c, cancel: cancel, mirror: mirror{}, news: make(chan struct{})}
	f.done = c.spawn(func() {
		f.caller = goroutine()
		f.err = c.feed(ctx, after, func(x share.Frame) bool {
			f.take(x)
			return then(f, x)
		})
	})
	return f
}

// maxFrames is more than the feeds of a check have. It bounds the memory for a Store that sends
// frames without end.
const maxFrames = 100_000

func (f *follower) take(x share.Frame) {
	f.mu.Lock()
	if len(f.frames) == maxFrames {
		f.check.stop(fmt.Errorf("a feed has sent more than %d frames", maxFrames))
	}
	f.frames, f.copies = append(f.frames, x), append(f.copies, clone(&x))
	f.mirror.frame(&x)
	f.shown += len(x.Changes)
	f.synced = f.synced || x.Synced
	news := f.news
	f.news = make(chan struct{})
	f.mu.Unlock()
	close(news)
}

// clone returns a copy of a frame that shares nothing with it.
func clone(x *share.Frame) share.Frame {
	y := *x
	y.Snapshot, y.Changes = slices.Clone(x.Snapshot), slices.Clone(x.Changes)
	for i := range y.Snapshot {
		y.Snapshot[i].Value = bytes.Clone(y.Snapshot[i].Value)
	}
	for i := range y.Changes {
		y.Changes[i].Value = bytes.Clone(y.Changes[i].Value)
	}
	return y
}

// wait waits until ok returns true. ok is called with the lock.
func (f *follower) wait(what string, ok func() bool) {
	f.check.Helper()
	f.require(what, f.reach(f.check.ctx, limit, ok))
}

// require fails the test if a wait has ended with an error.
func (f *follower) require(what string, err error) {
	f.check.Helper()
	if err != nil {
		f.check.failed()
		f.check.Fatalf("%s: %v", what, err)
	}
}

// reach waits until ok returns true. It returns an error if that does not happen within d, and
// before ctx or the feed ends. It may be called on any goroutine.
func (f *follower) reach(ctx context.Context, d time.Duration, ok func() bool) error {
	ctx, cancel := limited(ctx, d)
	defer cancel()
	for {
		f.mu.Lock()
		reached, news := ok(), f.news
		f.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-news:
		case <-f.done:
			return f.atTheEnd(ok)
		case <-ctx.Done():
			return f.late(d)
		}
	}
}

// atTheEnd returns an error unless ok returns true after the feed has ended.
func (f *follower) atTheEnd(ok func() bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case ok():
		return nil
	case f.check.ctx.Err() != nil:
		return context.Cause(f.check.ctx)
	case f.err == nil:
		return errors.New("the feed has ended without an error")
	}
	return fmt.Errorf("the feed has ended: %w", f.err)
}

// late returns why a wait has ended.
func (f *follower) late(d time.Duration) error {
	if f.check.ctx.Err() != nil {
		return context.Cause(f.check.ctx)
	}
	f.check.inVain.Store(true)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := checkChain(f.copies); err != nil {
		return fmt.Errorf("not after %v, and the frames do not follow one another: %w", d, err)
	}
	if !f.synced {
		return fmt.Errorf("not after %v: none of the frames so far (%d) is Synced", d, len(f.frames))
	}
	return fmt.Errorf("not after %v: the feed has shown %d changes so far", d, f.shown)
}

func (f *follower) waitSynced() {
	f.check.Helper()
	f.wait("the end of the snapshot", func() bool { return f.synced })
}

// waitForChanges waits until the feed has shown n changes of writers. It waits longer than the
// writers do, which can tell what is missing.
func (f *follower) waitForChanges(n int) {
	f.check.Helper()
	f.require("more changes", f.reach(f.check.ctx, writing, func() bool { return f.shown >= n }))
}

// waitFor waits until the snapshot has ended and a key of the check has a version.
func (f *follower) waitFor(key string, version uint64) {
	f.check.Helper()
	f.wait(fmt.Sprintf("the change of %.40q", key), func() bool {
		return f.synced && f.mirror[f.check.prefix+key].Version == version
	})
}

// end ends the feed.
func (f *follower) end() {
	f.check.Helper()
	f.cancel()
	f.returns("after its context has ended")
}

// returns waits until Feed has returned.
func (f *follower) returns(when string) {
	f.check.Helper()
	ctx, cancel := limited(context.Background(), limit)
	defer cancel()
	f.check.await(ctx, "Feed, "+when+",", limit, f.done)
}

// records returns the records of the check.
func (f *follower) records() map[string]share.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mirror.visible(f.check.prefix)
}

// latest returns the latest change of each key, of other checks, too.
func (f *follower) latest() mirror {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.mirror)
}

// all returns copies of the frames so far.
func (f *follower) all() []share.Frame {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.copies)
}

// changes returns the number of changes so far.
func (f *follower) changes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shown
}

// position returns the place in the history that the feed has reached.
func (f *follower) position() share.Position {
	all := f.all()
	return positionOf(&all[len(all)-1])
}

// changes returns all changes so far, of any key.
func changes(frames []share.Frame) (all []share.Change) {
	for i := range frames {
		all = append(all, frames[i].Changes...)
	}
	return all
}

// own returns the changes of the keys of the check.
func (c *check) own(all []share.Change) []share.Change {
	return slices.DeleteFunc(slices.Clone(all), func(x share.Change) bool { return !strings.HasPrefix(x.Key, c.prefix) })
}
