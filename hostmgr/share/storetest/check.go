package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// A check is one subtest with its Store. Only the goroutine of the subtest uses its testing.TB.
// Other goroutines call stop, and the subtest reports the error.
type check struct {
	testing.TB
	store     share.Store
	prefix    string // of its keys
	followers []*follower

	ctx    context.Context         // ends when the check is over, or an error was found
	stop   context.CancelCauseFunc // only the first error counts
	calls  sync.WaitGroup          // goroutines that the check has started
	inVain atomic.Bool             // the check has waited for the limit
}

func newCheck(t testing.TB, s share.Store) *check {
	c := &check{TB: t, store: s, prefix: fmt.Sprintf("storetest/%x/", rand.Uint64())}
	c.ctx, c.stop = context.WithCancelCause(context.Background())
	return c
}

// run runs the check, ends its feeds, and deletes its records.
func (c *check) run(check func(*check)) {
	c.Helper()
	defer c.cleanUp()
	check(c)
}

// newVersion returns a random number that is not 0.
func newVersion() uint64 { return 1 + rand.Uint64N(1<<64-1) }

// set returns a Write of a key of this check.
func (c *check) set(key string, expect uint64, value string) share.Write {
	return share.Write{Key: c.prefix + key, Expect: expect, Version: newVersion(), Value: []byte(value)}
}

// remove returns a Write that deletes.
func (c *check) remove(key string, expect uint64) share.Write {
	return share.Write{Key: c.prefix + key, Expect: expect, Version: newVersion(), Delete: true}
}

// try calls Put.
func (c *check) try(batch ...share.Write) error {
	c.Helper()
	var err error
	c.within("Put", func(ctx context.Context) { err = c.store.Put(ctx, batch) })
	return err
}

// put calls Put, which must succeed.
func (c *check) put(batch ...share.Write) {
	c.Helper()
	if err := c.try(batch...); err != nil {
		c.Fatalf("Put of %s: %v", c.names(batch), err)
	}
}

func (c *check) names(batch []share.Write) string {
	var names []string
	for _, w := range batch {
		names = append(names, fmt.Sprintf("%q", c.short(w.Key)))
	}
	if len(names) > 5 {
		names = append(names[:5], fmt.Sprintf("and %d more", len(names)-5))
	}
	return strings.Join(names, ", ")
}

// bare returns a key without the prefix of the check.
func (c *check) bare(key string) string { return strings.TrimPrefix(key, c.prefix) }

// short returns the beginning of a bare key.
func (c *check) short(key string) string {
	if key = c.bare(key); len(key) > 40 {
		return key[:40] + "..."
	}
	return key
}

// requireRecords fails the test if a new feed does not show exactly these records: the latest
// writes of their keys, without the deleted ones.
func (c *check) requireRecords(when string, writes ...share.Write) {
	c.Helper()
	c.requireSame(when, c.read(), writes)
}

func (c *check) requireSame(when string, got map[string]share.Record, writes []share.Write) {
	c.Helper()
	want := map[string]share.Write{}
	for _, w := range writes {
		if want[w.Key] = w; w.Delete {
			delete(want, w.Key)
		}
	}
	for key, w := range want {
		r, ok := got[key]
		switch {
		case !ok:
			c.Fatalf("%s: there is no record of %q", when, c.short(key))
		case r.Version != w.Version:
			c.Fatalf("%s: %q has version %d, not %d", when, c.short(key), r.Version, w.Version)
		case string(r.Value) != string(w.Value):
			c.Fatalf("%s: %q has the value %.60q, not %.60q", when, c.short(key), r.Value, w.Value)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			c.Fatalf("%s: there is a record of %q", when, c.short(key))
		}
	}
}
