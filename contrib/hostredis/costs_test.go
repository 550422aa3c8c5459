package hostredis_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// A usage is what a server has done so far.
type usage struct{ requests, micros, in, out, memory float64 }

func (s *server) usage() (u usage) {
	text := fmt.Sprint(s.do("info", "everything"))
	get := func(pattern string) float64 {
		m := regexp.MustCompile(`(?m)^` + pattern).FindStringSubmatch(text)
		if m == nil {
			return 0
		}
		v, _ := strconv.ParseFloat(m[1], 64)
		return v
	}
	for _, command := range []string{"eval", "evalsha", "xread"} {
		u.requests += get(`cmdstat_` + command + `:calls=(\d+)`)
	}
	u.micros = 1e6 * (get(`used_cpu_user:([\d.]+)`) + get(`used_cpu_sys:([\d.]+)`))
	u.in, u.out = get(`total_net_input_bytes:(\d+)`), get(`total_net_output_bytes:(\d+)`)
	u.memory = get(`used_memory:(\d+)`)
	return u
}

// report reports what a server has done since, for each of n things.
func (s *server) report(b *testing.B, since usage, n int) {
	now, k := s.usage(), float64(n)
	b.ReportMetric((now.requests-since.requests)/k, "requests/op")
	b.ReportMetric((now.micros-since.micros)/k, "redis-us/op")
	b.ReportMetric((now.in-since.in)/k, "B-in/op")
	b.ReportMetric((now.out-since.out)/k, "B-out/op")
}

var value = strings.Repeat("v", 160) // of a host: 120 bytes of metadata, and what the protocol adds

func hostKey(i int) string {
	return fmt.Sprintf("h/10.%03d.%03d.%03d-host-%08d", i>>16, i>>8&255, i&255, i)
}
func goneKey(i int) string { return "gone" + hostKey(i)[1:] + "/12345678" }

// joins creates hosts in batches, and returns their records.
func joins(b testing.TB, s share.Store, n, size int) []share.Write {
	all := make([]share.Write, n)
	for i := range all {
		all[i] = set(hostKey(i), 0, value)
	}
	for batch := range slices.Chunk(all, size) {
		require.NoError(b, s.Put(context.Background(), batch))
	}
	return all
}

// BenchmarkRedis measures what Redis does for one host. Nothing reads the feed.
func BenchmarkRedis(b *testing.B) {
	remove := func(w share.Write) share.Write {
		return share.Write{Key: w.Key, Expect: w.Version, Version: set("", 0, "").Version, Delete: true}
	}
	update := func(w share.Write) share.Write { return set(w.Key, w.Version, value) }
	type costs struct {
		name  string
		batch int
		steps func(host share.Write, i int) [][]share.Write
	}
	leave := func(host share.Write, i int) [][]share.Write {
		gone := set(goneKey(i), 0, value+strings.Repeat("e", 200))
		return [][]share.Write{{remove(host), gone}, {remove(gone)}}
	}
	evict := func(host share.Write, i int) [][]share.Write {
		asked := update(host)
		claimed := update(asked)
		return append([][]share.Write{{asked}, {claimed}}, leave(claimed, i)...)
	}
	for _, batch := range []int{1, 50} {
		for _, c := range []costs{
			{"join", batch, func(_ share.Write, i int) [][]share.Write { return [][]share.Write{{set("x"+hostKey(i), 0, value)}} }},
			{"update", batch, func(h share.Write, _ int) [][]share.Write { return [][]share.Write{{update(h)}} }},
			{"leave", batch, leave},
			{"evict", batch, evict},
		} {
			b.Run(fmt.Sprintf("%s/batch=%d", c.name, batch), func(b *testing.B) {
				r := startServer(b)
				s := open(b, redis.NewClient(&redis.Options{Addr: r.addr}))
				all := joins(b, s, b.N, share.MaxWrites)
				since := r.usage()
				b.ResetTimer()
				for i := 0; i < b.N; i += batch {
					var steps [][]share.Write
					for k := i; k < min(i+batch, b.N); k++ {
						for n, step := range c.steps(all[k], k) {
							if n == len(steps) {
								steps = append(steps, nil)
							}
							steps[n] = append(steps[n], step...)
						}
					}
					for _, step := range steps {
						require.NoError(b, s.Put(context.Background(), step))
					}
				}
				b.StopTimer()
				r.report(b, since, b.N)
			})
		}
	}
}

// BenchmarkMemberSecond is what one member costs in a second without joins and departures: it
// renews its record, and reads the renewals of all three.
func BenchmarkMemberSecond(b *testing.B) {
	const members = 3
	r := startServer(b)
	var all []share.Store
	var own []share.Write
	for i := range members {
		s := open(b, redis.NewClient(&redis.Options{Addr: r.addr}))
		read(b, s, share.Position{}).waitSynced()
		w := set(fmt.Sprintf("m/%032d", i), 0, strings.Repeat("v", 40))
		require.NoError(b, s.Put(b.Context(), []share.Write{w}))
		all, own = append(all, s), append(own, w)
	}
	time.Sleep(2 * time.Second)
	since := r.usage()
	b.ResetTimer()
	for range b.N {
		for i := range all {
			time.Sleep(time.Second / members)
			own[i] = set(own[i].Key, own[i].Version, string(own[i].Value))
			require.NoError(b, all[i].Put(b.Context(), own[i:i+1]))
		}
	}
	b.StopTimer()
	r.report(b, since, members*b.N)
}

// BenchmarkSnapshot reads 100,000 hosts.
func BenchmarkSnapshot(b *testing.B) {
	const hosts = 100_000
	r := startServer(b)
	before := r.usage()
	s := open(b, redis.NewClient(&redis.Options{Addr: r.addr}))
	joins(b, s, hosts, share.MaxWrites)
	b.ReportMetric(0, "ns/op")
	r.do("xtrim", eventLog, "maxlen", 0)
	memory := (r.usage().memory - before.memory) / hosts
	since := r.usage()
	b.ResetTimer()
	for range b.N {
		n, synced := 0, false
		require.NoError(b, s.Feed(b.Context(), share.Position{}, func(f share.Frame) bool {
			n, synced = n+len(f.Snapshot), f.Synced
			return !synced
		}))
		require.Equal(b, hosts, n)
	}
	b.StopTimer()
	r.report(b, since, b.N)
	b.ReportMetric(memory, "memory-B/host")
}

// BenchmarkChange is how long a change takes to three readers, with 500 changes a second.
func BenchmarkChange(b *testing.B) {
	r := startServer(b)
	s := open(b, redis.NewClient(&redis.Options{Addr: r.addr}))
	joins(b, s, 10_000, share.MaxWrites)
	var mu sync.Mutex // guards sent and took
	sent, took := map[uint64]time.Time{}, []time.Duration{}
	var readers sync.WaitGroup
	ctx, cancel := context.WithCancel(b.Context())
	ready := make(chan struct{}, 3)
	for range 3 {
		readers.Go(func() {
			_ = s.Feed(ctx, share.Position{}, func(f share.Frame) bool {
				now := time.Now()
				mu.Lock()
				defer mu.Unlock()
				for _, c := range f.Changes {
					if at, ok := sent[c.Version]; ok {
						took = append(took, now.Sub(at))
					}
				}
				if f.Synced {
					ready <- struct{}{}
				}
				return true
			})
		})
	}
	for range 3 {
		<-ready
	}
	since := r.usage()
	next := time.NewTicker(time.Second / 500)
	defer next.Stop()
	b.ResetTimer()
	for i := range b.N {
		<-next.C
		w := set("x"+hostKey(i), 0, value)
		mu.Lock()
		sent[w.Version] = time.Now()
		mu.Unlock()
		require.NoError(b, s.Put(b.Context(), []share.Write{w}))
	}
	waitFor(b, "all readers", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(took) == 3*b.N
	})
	b.StopTimer()
	r.report(b, since, b.N)
	cancel()
	readers.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e6, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100])/1e6, "p99-ms")
}
