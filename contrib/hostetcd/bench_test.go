//go:build unix

package hostetcd_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostetcd"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// times are durations that were measured, by any number of goroutines.
type times struct {
	mu   sync.Mutex // guards list
	list []time.Duration
}

func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = append(t.list, d)
}

func (t *times) report(b *testing.B) {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(t.list)
	for _, p := range []int{50, 99} {
		d := t.list[(len(t.list)-1)*p/100]
		b.ReportMetric(float64(d.Microseconds())/1000, fmt.Sprintf("p%d-ms", p))
	}
}

// cpu reports the time of the processor that this process has used, with all its servers.
func cpu(b *testing.B) (report func()) {
	used := func() (sum time.Duration) {
		var u syscall.Rusage
		require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	b.ResetTimer()
	return func() { b.ReportMetric(float64((used()-before).Microseconds())/float64(b.N), "cpu-µs/op") }
}

// onClusters runs a benchmark with one server and with three.
func onClusters(b *testing.B, f func(*testing.B, *hostetcd.Store)) {
	for _, n := range []int{1, 3} {
		b.Run(fmt.Sprintf("servers=%d", n), func(b *testing.B) {
			f(b, storeOf(b, start(b, n).client()))
		})
	}
}

// BenchmarkCreate writes batches of one new record, from a number of writers at once.
func BenchmarkCreate(b *testing.B) {
	benchmarkPut(b, func(i int, w *share.Write) { *w = create(fmt.Sprintf("%d/%d", i, rand.Uint64())) })
}

// BenchmarkUpdate writes batches of one record, from a number of writers at once. Each writer
// replaces its own record.
func BenchmarkUpdate(b *testing.B) {
	benchmarkPut(b, func(i int, w *share.Write) {
		version := w.Version
		*w = create(strconv.Itoa(i))
		w.Expect = version
	})
}

func benchmarkPut(b *testing.B, next func(writer int, w *share.Write)) {
	for _, writers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			onClusters(b, func(b *testing.B, store *hostetcd.Store) {
				var done times
				var n atomic.Int64
				var all sync.WaitGroup
				defer cpu(b)()
				for i := range writers {
					all.Go(func() {
						var w share.Write
						for n.Add(1) <= int64(b.N) {
							next(i, &w)
							begin := time.Now()
							require.NoError(b, store.Put(b.Context(), []share.Write{w}))
							done.add(time.Since(begin))
						}
					})
				}
				all.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
				done.report(b)
			})
		})
	}
}

// BenchmarkFeed measures the time from the begin of Put until a feed shows the change, at 500
// changes a second.
func BenchmarkFeed(b *testing.B) {
	onClusters(b, func(b *testing.B, store *hostetcd.Store) {
		ctx, cancel := context.WithCancel(b.Context())
		var seen times
		var begun sync.Map // time.Time by version
		synced, shown := make(chan bool), make(chan bool, b.N)
		var feeds sync.WaitGroup
		feeds.Go(func() {
			_ = store.Feed(ctx, share.Position{}, func(f share.Frame) bool {
				if f.Synced {
					close(synced)
				}
				for _, c := range f.Changes {
					if t, ok := begun.Load(c.Version); ok {
						seen.add(time.Since(t.(time.Time)))
						shown <- true
					}
				}
				return true
			})
		})
		<-synced
		defer cpu(b)()
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		var puts sync.WaitGroup
		for i := range b.N {
			<-ticker.C
			puts.Go(func() {
				w := create(strconv.Itoa(i))
				begun.Store(w.Version, time.Now())
				require.NoError(b, store.Put(ctx, []share.Write{w}))
			})
		}
		puts.Wait()
		for range b.N {
			<-shown
		}
		cancel()
		feeds.Wait()
		seen.report(b)
	})
}

// BenchmarkBatch writes batches of 100 records, one after another: new ones, updates, deletions. Its
// figures are per record.
func BenchmarkBatch(b *testing.B) {
	for _, kind := range []string{"create", "update", "delete"} {
		b.Run(kind, func(b *testing.B) {
			onClusters(b, func(b *testing.B, store *hostetcd.Store) {
				batches := make([][]share.Write, (b.N+share.MaxWrites-1)/share.MaxWrites)
				for i := range batches {
					for k := range share.MaxWrites {
						batches[i] = append(batches[i], create(fmt.Sprintf("h/host-%06d", i*share.MaxWrites+k)))
					}
					if kind != "create" {
						require.NoError(b, store.Put(b.Context(), batches[i]))
						after(batches[i], kind == "delete")
					}
				}
				defer cpu(b)()
				for _, batch := range batches {
					require.NoError(b, store.Put(b.Context(), batch))
				}
			})
		})
	}
}

// after turns writes into those that follow them.
func after(batch []share.Write, deleted bool) {
	for i := range batch {
		w := &batch[i]
		w.Expect, w.Version, w.Delete = w.Version, versionOf(), deleted
		if deleted {
			w.Value = nil
		}
	}
}

// BenchmarkSnapshot reads a table of 100,000 records, and reports its size on disk.
func BenchmarkSnapshot(b *testing.B) {
	const records = 100_000
	c := start(b, 1)
	store := storeOf(b, c.client())
	for i := 0; i < records; i += share.MaxWrites {
		var batch []share.Write
		for k := range share.MaxWrites {
			batch = append(batch, create(fmt.Sprintf("h/host-%06d", i+k)))
		}
		require.NoError(b, store.Put(b.Context(), batch))
	}
	report := cpu(b)
	for b.Loop() {
		n := 0
		require.NoError(b, store.Feed(b.Context(), share.Position{}, func(f share.Frame) bool {
			n += len(f.Snapshot)
			return !f.Synced
		}))
		require.Equal(b, records, n)
	}
	report()
	status, err := c.client().Status(b.Context(), c.running[0].Endpoints()[0])
	require.NoError(b, err)
	b.ReportMetric(float64(status.DbSizeInUse)/records, "disk-B/record")
}
