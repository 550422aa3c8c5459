package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// brokenFeeds are Stores with a broken feed.
var brokenFeeds = []brokenStore{
	{
		"misses a record in the snapshot", "the snapshot has each record once", "in the snapshot: there is no record of",
		frames(func(f *share.Frame) {
			if len(f.Snapshot) > 50 {
				f.Snapshot = f.Snapshot[1:]
			}
		}),
	}, {
		"has a record twice in the snapshot", "the snapshot has each record once", "is in the snapshot more than once",
		frames(func(f *share.Frame) {
			if len(f.Snapshot) > 0 {
				f.Snapshot = append(f.Snapshot, f.Snapshot[0])
			}
		}),
	}, {
		"ends the snapshot with the next change", "the snapshot ends without another change", "the end of the snapshot: not after 30s",
		func(b *broken) { lateSynced(b) },
	}, {
		"repeats a change", "changes come once and in order", "change 4 is",
		eachChange(func(n int, c share.Change) []share.Change {
			if n == 3 {
				return []share.Change{c, c}
			}
			return []share.Change{c}
		}),
	}, {
		"skips a change", "changes come once and in order", "change 3 is",
		eachChange(func(n int, c share.Change) []share.Change {
			if n == 3 {
				return nil
			}
			return []share.Change{c}
		}),
	}, {
		"swaps changes", "changes come once and in order", "change 3 is",
		func(b *broken) {
			var held []share.Change
			eachChange(func(n int, c share.Change) []share.Change {
				if n == 3 {
					held = []share.Change{c}
					return nil
				}
				both := append([]share.Change{c}, held...)
				held = nil
				return both
			})(b)
		},
	}, {
		"does not say when a page was read", "frames follow one another", "frame 0: it has a page that does not say when it was read",
		frames(func(f *share.Frame) { f.PageRevision, f.PageVersion = 0, 0 }),
	}, {
		"has no epoch", "frames follow one another", "frame 0: it has epoch",
		frames(func(f *share.Frame) { f.Epoch = "" }),
	}, {
		"does not say where a frame begins", "frames follow one another", "it begins at revision 0",
		frames(func(f *share.Frame) {
			if !f.Synced && len(f.Changes) > 0 {
				f.Revision, f.Version = 0, 0
			}
		}),
	}, {
		"has no previous versions", "frames follow one another", "it follows version 0",
		frames(func(f *share.Frame) {
			for i := range f.Changes {
				f.Changes[i].Previous = 0
			}
		}),
	}, {
		"splits batches", "a frame has whole batches", "changes of one batch are in more than one frame",
		func(b *broken) {
			b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
				return b.Store.Feed(ctx, after, func(f share.Frame) bool { return yieldOneByOne(f, yield) })
			}
		},
	}, {
		"uses the memory of frames again", "a frame is not changed later", "has changed after yield returned",
		func(b *broken) {
			b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
				changes := make([]share.Change, 0, 1000)
				return b.Store.Feed(ctx, after, func(f share.Frame) bool {
					changes = append(changes[:0], f.Changes...)
					f.Changes = changes
					return yield(f)
				})
			}
		},
	}, {
		"numbers changes in each feed", "all feeds number changes alike", "in another one",
		func(b *broken) { renumber(b) },
	}, {
		"has another epoch for each feed", "all feeds number changes alike", "the feeds of one table have 3 epochs",
		func(b *broken) {
			var feeds atomic.Int64
			b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
				name := fmt.Sprint(feeds.Add(1))
				return b.Store.Feed(ctx, after, func(f share.Frame) bool {
					f.Epoch = name
					return yield(f)
				})
			}
		},
	}, {
		"has one feed only", "feeds may begin again and again", "the feed has ended: busy",
		func(b *broken) {
			var one sync.Mutex
			b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
				if !one.TryLock() {
					return errors.New("busy")
				}
				defer one.Unlock()
				return b.Store.Feed(ctx, after, yield)
			}
		},
	}, {
		"never says that changes are lost", "a feed knows whether the table has a change",
		"begins after a change of another epoch: Back is false",
		frames(func(f *share.Frame) { f.Back = false }),
	}, {
		"always says that changes are lost", "a feed knows whether the table has a change",
		"begins after no change: Back is true",
		sayBack(func(_ *share.Frame, first bool, _ share.Position) bool { return first }),
	}, {
		"says late that changes are lost", "a feed knows whether the table has a change",
		"begins after a change of another epoch: Back is false",
		func(b *broken) {
			b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
				back, first := false, true
				return b.Store.Feed(ctx, after, func(f share.Frame) bool {
					back, f.Back = f.Back, back && !first
					first = false
					return yield(f)
				})
			}
		},
	}, {
		"says in each frame that changes are lost", "a feed knows whether the table has a change",
		"it has Back, and is not the first one",
		func(b *broken) {
			b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
				back := false
				return b.Store.Feed(ctx, after, func(f share.Frame) bool {
					back = back || f.Back
					f.Back = back
					return yield(f)
				})
			}
		},
	}, {
		"compares revisions only", "a feed knows whether the table has a change",
		"begins after a version that never was: Back is false",
		sayBack(func(f *share.Frame, first bool, after share.Position) bool {
			other := after.Epoch != "" && after.Epoch != f.Epoch
			return first && (other || after.Revision > f.Revision)
		}),
	}, {
		"compares no epochs", "a feed knows whether the table has a change",
		"begins after a change of another epoch: Back is false",
		func(b *broken) {
			b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
				after.Epoch = epoch(ctx, b.Store)
				return b.Store.Feed(ctx, after, yield)
			}
		},
	}, {
		"compares with the latest change only", "a feed knows whether the table has a change",
		"begins after an earlier change: Back is true",
		sayBack(func(f *share.Frame, first bool, after share.Position) bool {
			latest := share.Position{Epoch: f.Epoch, Revision: f.Revision, Version: f.Version}
			return first && after != share.Position{} && after != latest
		}),
	}, {
		"goes on after yield has returned false", "a feed ends when yield returns false", "yield was called again after it had returned false",
		func(b *broken) {
			b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
				ended := 0
				return b.Store.Feed(ctx, after, func(f share.Frame) bool {
					if !yield(f) {
						ended++
					}
					return ended < 2
				})
			}
		},
	}, {
		"has an error after yield has returned false", "a feed ends when yield returns false", "Feed returned ended after yield had returned false",
		func(b *broken) {
			b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
				return errors.Join(b.Store.Feed(ctx, after, yield), errors.New("ended"))
			}
		},
	}, {
		"calls yield on another goroutine", "yield runs on the goroutine of Feed", "yield was called on another goroutine",
		func(b *broken) {
			b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
				return b.Store.Feed(ctx, after, func(f share.Frame) bool {
					more := make(chan bool)
					go func() { more <- yield(f) }()
					return <-more
				})
			}
		},
	},
}

// sayBack makes a broken Store that sets Back by itself.
func sayBack(back func(f *share.Frame, first bool, after share.Position) bool) func(*broken) {
	return func(b *broken) {
		b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
			first := true
			return b.Store.Feed(ctx, after, func(f share.Frame) bool {
				f.Back = back(&f, first, after)
				first = false
				return yield(f)
			})
		}
	}
}

// eachChange makes a broken Store that changes the changes of each feed, by number.
func eachChange(change func(n int, c share.Change) []share.Change) func(*broken) {
	return func(b *broken) {
		b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
			n := 0
			return b.Store.Feed(ctx, after, func(f share.Frame) bool {
				var all []share.Change
				for _, c := range f.Changes {
					all = append(all, change(n, c)...)
					n++
				}
				f.Changes = all
				return yield(f)
			})
		}
	}
}

// lateSynced holds the frame that ends the snapshot until there is another one.
func lateSynced(b *broken) {
	b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
		var held *share.Frame
		return b.Store.Feed(ctx, after, func(f share.Frame) bool {
			if f.Synced {
				held = &f
				return true
			}
			if held != nil {
				if !yield(*held) {
					return false
				}
				held = nil
			}
			return yield(f)
		})
	}
}

func yieldOneByOne(f share.Frame, yield func(share.Frame) bool) bool {
	all := f.Changes
	for i := range all {
		one := f
		one.Changes, one.Synced = all[i:i+1], f.Synced && i == len(all)-1
		if i > 0 {
			one.Snapshot, one.PageRevision, one.PageVersion = nil, 0, 0
			one.Revision, one.Version = all[i-1].Revision, all[i-1].Version
		}
		if !yield(one) {
			return false
		}
	}
	return len(all) > 0 || yield(f)
}
