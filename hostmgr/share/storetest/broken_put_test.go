package storetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// brokenPuts are Stores with a broken Put.
var brokenPuts = []brokenStore{
	{
		"reports success without writing", "records are created, updated and deleted", `after create: there is no record of "a"`,
		func(b *broken) { b.put = func(context.Context, []share.Write) error { return nil } },
	}, {
		"shows no deletions", "records are created, updated and deleted", `the change of "a": not after 30s`,
		frames(func(f *share.Frame) {
			f.Changes = slices.DeleteFunc(f.Changes, func(c share.Change) bool { return c.Deleted })
		}),
	}, {
		"ignores versions", "a write expects a version", "create of a record that is there: Put of \"a\" returned nil",
		func(b *broken) {
			b.put = func(ctx context.Context, batch []share.Write) error {
				batch = slices.Clone(batch)
				there := versions(ctx, b.Store)
				for i := range batch {
					if batch[i].Expect == 0 {
						batch[i].Expect = there[batch[i].Key].Version
					}
				}
				return b.Store.Put(ctx, batch)
			}
		},
	}, {
		"has another error for a wrong version", "a write expects a version", "which does not wrap",
		func(b *broken) {
			b.put = func(ctx context.Context, batch []share.Write) error {
				if err := b.Store.Put(ctx, batch); err != nil {
					return errors.New("a conflict")
				}
				return nil
			}
		},
	}, {
		"writes one by one", "a batch is atomic", "after a batch that was refused: there is no record of \"gone\"",
		func(b *broken) {
			b.put = func(ctx context.Context, batch []share.Write) error {
				for i := range batch {
					if err := b.Store.Put(ctx, batch[i:i+1]); err != nil {
						return err
					}
				}
				return nil
			}
		},
	}, {
		"takes back what it wrote", "a batch is atomic", "the feed has 33 changes, but 3 were written",
		func(b *broken) {
			b.put = func(ctx context.Context, batch []share.Write) error { return putAndTakeBack(ctx, b, batch) }
		},
	}, {
		"writes what is valid of a batch", "a batch that is not valid is refused", "returned nil",
		func(b *broken) {
			b.put = func(ctx context.Context, batch []share.Write) error {
				valid := slices.DeleteFunc(slices.Clone(batch), func(w share.Write) bool { return share.CheckBatch([]share.Write{w}) != nil })
				return b.Store.Put(ctx, valid)
			}
		},
	}, {
		"has no empty batches", "an empty batch does nothing", "Put of no writes: no batch",
		func(b *broken) {
			b.put = func(ctx context.Context, batch []share.Write) error {
				if len(batch) == 0 {
					return errors.New("no batch")
				}
				return b.Store.Put(ctx, batch)
			}
		},
	}, {
		"has a lower limit", "a batch may be as large as the limits", "and 95 more: too many",
		func(b *broken) {
			b.put = func(ctx context.Context, batch []share.Write) error {
				if len(batch) > share.MaxWrites/2 {
					return errors.New("too many")
				}
				return b.Store.Put(ctx, batch)
			}
		},
	}, {
		"cuts off long values", "a batch may be as large as the limits", "has the value",
		writes(func(w *share.Write) { w.Value = w.Value[:min(len(w.Value), 1<<16)] }),
	}, {
		"ends keys at a NUL", "a key may have any bytes", "two writes of",
		writes(func(w *share.Write) { w.Key, _, _ = strings.Cut(w.Key, "\x00") }),
	}, {
		"makes keys valid UTF-8", "a key may have any bytes", "two writes of",
		writes(func(w *share.Write) { w.Key = strings.ToValidUTF8(w.Key, "\uFFFD") }),
	}, {
		"takes an empty value for a deletion", "a value may have any bytes or none", "in the feed: there is no record of",
		frames(func(f *share.Frame) {
			for i := range f.Changes {
				f.Changes[i].Deleted = len(f.Changes[i].Value) == 0
			}
		}),
	}, {
		"ends values at a NUL", "a value may have any bytes or none", `has the value "", not "\x00`,
		writes(func(w *share.Write) { w.Value, _, _ = bytes.Cut(w.Value, []byte{0}) }),
	}, {
		"has versions of 53 bits", "a version may be any number", `the change of "a": not after 30s`,
		frames(func(f *share.Frame) {
			for i := range f.Changes {
				f.Changes[i].Version = uint64(float64(f.Changes[i].Version))
			}
		}),
	}, {
		"compares versions as numbers of 53 bits", "a version may be any number", "differs in the lowest bit: Put of \"a\" returned nil",
		func(b *broken) {
			b.put = func(ctx context.Context, batch []share.Write) error {
				batch = slices.Clone(batch)
				there := versions(ctx, b.Store)
				for i := range batch {
					if v := there[batch[i].Key].Version; float64(v) == float64(batch[i].Expect) {
						batch[i].Expect = v
					}
				}
				return b.Store.Put(ctx, batch)
			}
		},
	}, {
		"keeps the caller's values", "the batch belongs to the caller", "after the caller has used its memory again",
		func(b *broken) { aliasValues(b) },
	}, {
		"overwrites the caller's batch", "the batch belongs to the caller", "Put has changed the batch of its caller",
		func(b *broken) {
			b.put = func(ctx context.Context, batch []share.Write) error {
				err := b.Store.Put(ctx, batch)
				batch[0].Expect = batch[0].Version
				return err
			}
		},
	},
}

// putAndTakeBack writes one by one, and deletes or restores all if one is refused.
func putAndTakeBack(ctx context.Context, b *broken, batch []share.Write) error {
	before := versions(ctx, b.Store)
	if err := share.CheckBatch(batch); err != nil {
		return err
	}
	for i, w := range batch {
		err := b.Store.Put(ctx, []share.Write{w})
		if err == nil {
			continue
		}
		for _, w := range batch[:i] {
			back := share.Write{Key: w.Key, Expect: w.Version, Version: newVersion(), Delete: true}
			if r, there := before[w.Key]; there {
				back = share.Write{Key: w.Key, Version: r.Version, Value: r.Value}
			}
			if err := b.Store.Put(ctx, []share.Write{back}); err != nil {
				panic(err)
			}
		}
		return err
	}
	return nil
}

// aliasValues keeps the values that callers have passed, not copies. A feed shows what is in them
// when it begins. So there is no data race, because the check begins it after it has changed them.
func aliasValues(b *broken) {
	var mu sync.Mutex
	values := map[uint64][]byte{}
	b.put = func(ctx context.Context, batch []share.Write) error {
		mu.Lock()
		for _, w := range batch {
			values[w.Version] = w.Value
		}
		mu.Unlock()
		return b.Store.Put(ctx, batch)
	}
	b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
		now := map[uint64][]byte{}
		mu.Lock()
		for version, value := range values {
			now[version] = bytes.Clone(value)
		}
		mu.Unlock()
		return b.Store.Feed(ctx, after, func(f share.Frame) bool {
			for i := range f.Snapshot {
				f.Snapshot[i].Value = now[f.Snapshot[i].Version]
			}
			return yield(f)
		})
	}
}
