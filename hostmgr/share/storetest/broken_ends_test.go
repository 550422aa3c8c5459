package storetest

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

// brokenEnds are Stores that a check must end, or that go on after a check has ended.
var brokenEnds = []brokenStore{
	{
		"has a feed that times out at a deadline", "a feed ends with its context", `Feed returned i/o timeout, which does not wrap "context deadline exceeded"`,
		atDeadlines,
	}, {
		"has a Put that times out at a deadline", "Put ends with its context", `Put returned i/o timeout, which does not wrap "context deadline exceeded"`,
		atDeadlines,
	}, {
		"is Synced with each change", "frames follow one another", "is Synced again",
		frames(func(f *share.Frame) { f.Synced = f.Synced || len(f.Changes) > 0 }),
	}, {
		"leaves a goroutine that calls yield", "a feed ends with its context", "yield was called after Feed had returned",
		lateYields,
	}, {
		"skips batches, and lets writers wait", "concurrent writers lose nothing", `a writer: the feed does not show a change of "n": not after 30s`,
		skipBatches,
	}, {
		"skips batches, and lets many writers wait", "concurrent readers see one order", "other changes since, but not this one: not after 30s",
		skipBatches,
	}, {
		"skips batches, and lets a reader wait", "snapshot and feed fit", "other changes since, but not this one: not after 30s",
		skipBatches,
	}, {
		"writes, and says that it has not", "concurrent writers lose nothing", "a writer: Put has written what it refused",
		func(b *broken) {
			b.put = func(ctx context.Context, batch []share.Write) error {
				if err := b.Store.Put(ctx, batch); err != nil || batch[0].Expect == 0 {
					return err
				}
				return share.ErrVersion
			}
		},
	}, {
		"refuses writes of a busy table", "a feed ends with its context", `Put of "0": no more writes`,
		failingPuts(3),
	}, {
		"fails while a reader begins", "concurrent readers see one order", "a writer: Put of",
		failingPuts(20),
	}, {
		"has a Put that hangs while others write", "concurrent batches stay whole", "a writer: Put has not returned after 30s",
		seventhPuts(func(context.Context) { time.Sleep(3 * limit) }),
	}, {
		"has a Put that waits for its context while others write", "snapshot and feed fit", "Put has not returned after 30s",
		seventhPuts(func(ctx context.Context) { <-ctx.Done() }),
	}, {
		"has feeds that do not end", "the snapshot has each record once", "Feed, after its context has ended, has not returned after 30s",
		hangAtTheEnd,
	}, {
		"has feeds that do not end after the check", "an empty batch does nothing", "a call of Feed has not returned 30s after its context had ended",
		hangAtTheEnd,
	}, {
		"sends empty frames without end", "the snapshot ends without another change", "a feed has sent more than 100000 frames",
		func(b *broken) {
			b.feed = func(_ context.Context, _ share.Position, yield func(share.Frame) bool) error {
				for yield(share.Frame{Epoch: "e"}) {
				}
				return nil
			}
		},
	}, {
		"has a feed that ends at once", "a feed ends when yield returns false", "the end of the snapshot: the feed has ended: no feed",
		func(b *broken) {
			var feeds atomic.Int64
			b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
				if feeds.Add(1) == 2 {
					return errors.New("no feed")
				}
				return b.Store.Feed(ctx, after, yield)
			}
		},
	},
}

// atDeadlines has calls that return an error of a connection when the deadline of their context
// comes. The context has no error yet.
func atDeadlines(b *broken) {
	wait := func(ctx context.Context) error {
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < 5*time.Millisecond {
			time.Sleep(time.Until(deadline) - time.Nanosecond)
			return os.ErrDeadlineExceeded
		}
		return nil
	}
	b.put = func(ctx context.Context, batch []share.Write) error {
		return errors.Join(b.Store.Put(ctx, batch), wait(ctx))
	}
	b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
		if err := wait(ctx); err != nil {
			return err
		}
		return b.Store.Feed(ctx, after, yield)
	}
}

// lateYields leaves a goroutine that calls yield as long as it returns true.
func lateYields(b *broken) {
	b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
		last := share.Frame{}
		defer func() {
			go func() {
				for range 1000 {
					time.Sleep(100 * time.Microsecond)
					if !yield(last) {
						return
					}
				}
			}()
		}()
		return b.Store.Feed(ctx, after, func(f share.Frame) bool {
			at := endOf(&f)
			last = share.Frame{Epoch: f.Epoch, Revision: at.revision, Version: at.version}
			return yield(f)
		})
	}
}

// skipBatches shows no feed each seventh batch, and hides that.
func skipBatches(b *broken) {
	b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
		n, at := 0, mark{}
		return b.Store.Feed(ctx, after, func(f share.Frame) bool {
			if at != (mark{}) {
				f.Revision, f.Version = at.revision, at.version
			}
			if len(f.Changes) > 0 {
				n++
				f.Changes = slices.Clone(f.Changes)
				f.Changes[0].Previous = f.Version
			}
			if n%7 == 6 {
				f.Changes = nil
			}
			at = endOf(&f)
			return yield(f)
		})
	}
	b.put = func(ctx context.Context, batch []share.Write) error {
		time.Sleep(time.Millisecond)
		return b.Store.Put(ctx, batch)
	}
}

// seventhPuts has each seventh call of Put wait before it returns.
func seventhPuts(wait func(context.Context)) func(*broken) {
	return func(b *broken) {
		var puts atomic.Int64
		b.put = func(ctx context.Context, batch []share.Write) error {
			err := b.Store.Put(ctx, batch)
			if puts.Add(1)%7 == 0 {
				wait(ctx)
				return errors.Join(err, ctx.Err())
			}
			return err
		}
	}
}

// failingPuts has a Put that fails after some calls.
func failingPuts(after int64) func(*broken) {
	return func(b *broken) {
		var puts atomic.Int64
		b.put = func(ctx context.Context, batch []share.Write) error {
			if puts.Add(1) > after {
				return errors.New("no more writes")
			}
			return b.Store.Put(ctx, batch)
		}
	}
}

// hangAtTheEnd has feeds that return long after their context has ended.
func hangAtTheEnd(b *broken) {
	b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
		err := b.Store.Feed(ctx, after, yield)
		time.Sleep(3 * limit)
		return err
	}
}

// A Store that lets a check wait in vain fails in one subtest. The others are skipped.
func TestStoresThatHang(t *testing.T) {
	for _, b := range []brokenStore{
		{
			"never Synced", "records are created, updated and deleted", "the end of the snapshot: not after 30s: none of the frames so far (",
			frames(func(f *share.Frame) { f.Synced = false }),
		}, {
			"no frame", "records are created, updated and deleted", "the end of the snapshot: not after 30s: none of the frames so far (0) is Synced",
			func(b *broken) {
				b.feed = func(ctx context.Context, _ share.Position, _ func(share.Frame) bool) error {
					<-ctx.Done()
					return ctx.Err()
				}
			},
		}, {
			"hanging feeds", "records are created, updated and deleted", "the end of the snapshot: not after 30s: none of the frames so far (0) is Synced",
			func(b *broken) {
				b.feed = func(context.Context, share.Position, func(share.Frame) bool) error {
					time.Sleep(4 * limit)
					return nil
				}
			},
		}, {
			"feeds that hang at the end", "records are created, updated and deleted", "Feed, after its context has ended, has not returned after 30s",
			hangAtTheEnd,
		}, {
			"hanging Puts", "records are created, updated and deleted", "Put has not returned after 30s",
			func(b *broken) {
				b.put = func(context.Context, []share.Write) error {
					time.Sleep(4 * limit)
					return nil
				}
			},
		}, {
			"Puts that wait for their contexts", "records are created, updated and deleted", "Put has not returned after 30s",
			func(b *broken) {
				b.put = func(ctx context.Context, _ []share.Write) error {
					<-ctx.Done()
					return ctx.Err()
				}
			},
		}, {
			"skipped batches", "a version may be any number", `the change of "a": not after 30s`, skipBatches,
		},
	} {
		t.Run(b.name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { requireOneFailure(t, b) }) })
	}
}

func requireOneFailure(t *testing.T, b brokenStore) {
	s := &broken{Store: memory(table.Config{})}
	b.breaks(s)
	var all suite
	var took time.Duration
	var failed string
	for _, q := range requirements {
		r := record(t, func(r *recorder) {
			start := time.Now()
			defer func() { took += time.Since(start) }()
			all.run(r, q.name, func() share.Store { return s }, q.check)
		})
		switch {
		case failed != "":
			require.Contains(t, r.skipped, failed, q.name)
		case len(r.failures) > 0:
			failed = q.name
			require.Equal(t, b.requirement, failed)
			require.Len(t, r.failures, 1)
			require.Contains(t, r.failures[0], b.message)
		}
	}
	require.NotEmpty(t, failed)
	require.Less(t, took, time.Minute)
}

// Whatever a Store does, no check panics, or reports after its end.
func TestWildStores(t *testing.T) {
	for name, breaks := range map[string]func(*broken){
		"Synced in each frame": frames(func(f *share.Frame) { f.Synced = true }),
		"late yields":          lateYields,
		"skipped batches":      skipBatches,
		"failing Puts":         failingPuts(30),
		"hanging Puts":         seventhPuts(func(context.Context) { time.Sleep(3 * limit) }),
		"hanging feeds":        hangAtTheEnd,
		"no frames": func(b *broken) {
			b.feed = func(context.Context, share.Position, func(share.Frame) bool) error { return nil }
		},
		"empty frames": frames(func(f *share.Frame) { *f = share.Frame{Synced: true} }),
		"nothing but errors": func(b *broken) {
			b.put = func(context.Context, []share.Write) error { return share.ErrVersion }
			b.feed = func(context.Context, share.Position, func(share.Frame) bool) error { return share.ErrGap }
		},
	} {
		for _, r := range requirements {
			t.Run(name+"/"+r.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &broken{Store: memory(table.Config{Pages: 8})}
					breaks(s)
					t.Log(strings.TrimSpace(failures(t, s, r.check)))
				})
			})
		}
	}
}
