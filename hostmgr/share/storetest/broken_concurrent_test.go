package storetest

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// brokenCalls are Stores that break when calls overlap, or end early.
var brokenCalls = []brokenStore{
	{
		"holds a lock over yield", "a slow reader holds up no other call", "Put has not returned after 30s",
		func(b *broken) {
			lock := make(chan struct{}, 1)
			b.put = func(ctx context.Context, batch []share.Write) error {
				lock <- struct{}{}
				defer func() { <-lock }()
				return b.Store.Put(ctx, batch)
			}
			b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
				return b.Store.Feed(ctx, after, func(f share.Frame) bool {
					lock <- struct{}{}
					defer func() { <-lock }()
					return yield(f)
				})
			}
		},
	}, {
		"has a feed that hangs", "a feed ends with its context", "Feed, after its context has ended, has not returned after 30s",
		func(b *broken) {
			b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
				err := b.Store.Feed(ctx, after, yield)
				time.Sleep(2 * limit)
				return err
			}
		},
	}, {
		"has another error after cancellation", "a feed ends with its context", "Feed returned closed, which does not wrap",
		func(b *broken) {
			b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
				if err := b.Store.Feed(ctx, after, yield); err == nil {
					return nil
				}
				return errors.New("closed")
			}
		},
	}, {
		"has a Put that hangs", "Put ends with its context", "Put, after its context has ended, has not returned after 30s",
		func(b *broken) {
			b.put = func(ctx context.Context, batch []share.Write) error {
				err := b.Store.Put(ctx, batch)
				if err != nil {
					time.Sleep(2 * limit)
				}
				return err
			}
		},
	}, {
		"has success after cancellation", "Put ends with its context", "Put returned nil, but the write is not there",
		func(b *broken) {
			b.put = func(ctx context.Context, batch []share.Write) error {
				if ctx.Err() != nil {
					return nil
				}
				return b.Store.Put(ctx, batch)
			}
		},
	}, {
		"checks versions before it writes", "concurrent writers lose nothing", "after 150 increments",
		func(b *broken) { checkThenWrite(b) },
	}, {
		"writes batches one by one", "concurrent batches stay whole", "a frame shows one of two records",
		func(b *broken) {
			b.put = func(ctx context.Context, batch []share.Write) error {
				for i := range batch {
					if err := b.Store.Put(ctx, batch[i:i+1]); err != nil {
						return err
					}
					time.Sleep(time.Millisecond)
				}
				return nil
			}
		},
	}, {
		"orders changes for each reader", "concurrent readers see one order", "two readers see changes in different orders",
		func(b *broken) {
			var feeds atomic.Int64
			b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
				reverse := feeds.Add(1)%2 == 0
				return b.Store.Feed(ctx, after, func(f share.Frame) bool {
					if reverse {
						slices.Reverse(f.Changes)
					}
					return yield(f)
				})
			}
		},
	}, {
		"takes revisions from a sequence", "concurrent readers see one order", "other changes since, but not this one",
		sqlTable(false),
	}, {
		"has a hole between snapshot and feed", "snapshot and feed fit", "at the end of a snapshot",
		func(b *broken) { overlap(b, false) },
	}, {
		"has a feed that begins before the snapshot", "snapshot and feed fit", "at the end of a snapshot",
		func(b *broken) { overlap(b, true) },
	},
}

// checkThenWrite compares versions first, and writes after a pause, whatever is there then.
func checkThenWrite(b *broken) {
	b.put = func(ctx context.Context, batch []share.Write) error {
		there := versions(ctx, b.Store)
		for _, w := range batch {
			if there[w.Key].Version != w.Expect {
				return share.ErrVersion
			}
		}
		time.Sleep(time.Millisecond)
		batch = slices.Clone(batch)
		for {
			there = versions(ctx, b.Store)
			for i := range batch {
				batch[i].Expect = there[batch[i].Key].Version
			}
			if err := b.Store.Put(ctx, batch); !errors.Is(err, share.ErrVersion) {
				return err
			}
		}
	}
}

// overlap takes the snapshot from another feed than the changes: one that ended before the changes
// begin, or one that begins after them. Its frames seem to follow one another.
func overlap(b *broken, changesFirst bool) {
	read := func(ctx context.Context) (all []share.Record) {
		return slices.Collect(maps.Values(versions(ctx, b.Store)))
	}
	var puts atomic.Int64
	b.put = func(ctx context.Context, batch []share.Write) error {
		defer puts.Add(1)
		return b.Store.Put(ctx, batch)
	}
	pause := func() { // until writers have written, if there are any; they never sleep
		before := puts.Load()
		for i := 0; i < 200_000 && puts.Load() < before+10; i++ {
			runtime.Gosched()
		}
	}
	b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
		page := read(ctx)
		pause()
		synced := false
		return b.Store.Feed(ctx, after, func(f share.Frame) bool {
			if synced {
				return yield(f)
			}
			if synced = f.Synced; !synced {
				return true
			}
			if changesFirst {
				pause()
				page = read(ctx)
			}
			at := endOf(&f)
			return yield(share.Frame{
				Epoch: f.Epoch, Snapshot: page, Synced: true,
				Revision: at.revision, Version: at.version, PageRevision: at.revision, PageVersion: at.version,
			})
		})
	}
}
