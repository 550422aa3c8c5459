package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// These are the paths that a service is on all day, at a size that a laptop has
// time for: go test -bench . ./benchmarks

const benchHosts = 100_000

type meta struct{ Name string }

// registered is a registry full of hosts, and their ids in another order, apart from
// what the registry stored.
func registered(b testing.TB) (*hostmgr.Registry[*meta], []string) {
	return registeredIn(b, hostmgr.Config[*meta]{})
}

func registeredIn(b testing.TB, cfg hostmgr.Config[*meta]) (*hostmgr.Registry[*meta], []string) {
	hosts, err := hostmgr.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	ids, m := make([]string, benchHosts), &meta{}
	for i := range ids {
		ids[i] = fmt.Sprintf("%016x%016x%016x%016x", rand.Uint64(), rand.Uint64(), rand.Uint64(), rand.Uint64())
		if _, err := hosts.Announce(announcement(strings.Clone(ids[i]), m)); err != nil {
			b.Fatal(err)
		}
	}
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return hosts, ids
}

func announcement(id string, m *meta) hostmgr.Announcement[*meta] {
	return hostmgr.Announcement[*meta]{ID: id, Metadata: m, Interval: time.Hour}
}

func BenchmarkHeartbeat(b *testing.B) {
	hosts, ids := registered(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := hosts.Heartbeat(ids[i%benchHosts], 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHeartbeatParallel(b *testing.B) {
	hosts, ids := registered(b)
	var goroutines atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := int(goroutines.Add(1)) * 7919; pb.Next(); i++ {
			if _, err := hosts.Heartbeat(ids[i%benchHosts], 0); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkHeartbeats sends batches of 64; the time is that of one heartbeat.
func BenchmarkHeartbeats(b *testing.B) {
	hosts, ids := registered(b)
	acks, errs := make([]hostmgr.Ack, 64), make([]error, 64)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += 64 {
		at := n % (benchHosts - 64)
		hosts.Heartbeats(ids[at:at+64], acks, errs)
	}
}

func BenchmarkMetadata(b *testing.B) {
	hosts, ids := registered(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, ok := hosts.Metadata(ids[i%benchHosts]); !ok {
			b.Fatal("a known host was not found")
		}
	}
}

// BenchmarkAllMetadata loops over all hosts; the time is that of one host.
func BenchmarkAllMetadata(b *testing.B) {
	hosts, _ := registered(b)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; {
		for range hosts.AllMetadata() {
			n++
		}
	}
}

func BenchmarkGet(b *testing.B) {
	hosts, ids := registered(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, ok := hosts.Get(ids[i%benchHosts]); !ok {
			b.Fatal("a known host was not found")
		}
	}
}

func BenchmarkAnnounceAgain(b *testing.B) {
	hosts, ids := registered(b)
	m := &meta{}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := hosts.Announce(announcement(ids[i%benchHosts], m)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIdleSweep(b *testing.B) {
	hosts, _ := registered(b)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if rep := hosts.Sweep(ctx); rep.Evicted > 0 {
			b.Fatal("a live host was evicted")
		}
	}
}

// BenchmarkStats is of a registry all of whose distributions have values: under Run some hosts
// were evicted, and others left.
func BenchmarkStats(b *testing.B) {
	hosts, err := hostmgr.New(hostmgr.Config[*meta]{
		Cleanup: func(context.Context, hostmgr.Departure[*meta]) error { return nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- hosts.Run(ctx) }()
	for i := range benchHosts {
		a := announcement(fmt.Sprint(i), &meta{})
		if i%100 == 0 {
			a.Interval = 10 * time.Millisecond // it will not heartbeat
		}
		if _, err := hosts.Announce(a); err != nil {
			b.Fatal(err)
		}
	}
	if err := hosts.Leave(ctx, "1", 0); err != nil {
		b.Fatal(err)
	}
	for s := hosts.Stats(); s.Latency.CleanupAfterEviction.Count < benchHosts/100 || s.Latency.SweepDelay.Count == 0; s = hosts.Stats() {
		time.Sleep(time.Millisecond)
	}
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if s := hosts.Stats(); s.Hosts != benchHosts-benchHosts/100-1 {
			b.Fatal(s.Hosts)
		}
	}
}

func BenchmarkSample16(b *testing.B) {
	hosts, _ := registered(b)
	b.ReportAllocs()
	for b.Loop() {
		if got := hosts.Sample(16, nil); len(got) != 16 {
			b.Fatalf("a sample of %d hosts", len(got))
		}
	}
}

// A join and a leave by hand, with a cleanup that does nothing.
func BenchmarkLeaveWithACleanup(b *testing.B) {
	hosts, err := hostmgr.New(hostmgr.Config[*meta]{
		Cleanup: func(context.Context, hostmgr.Departure[*meta]) error { return nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		_, _ = hosts.Announce(announcement("a", nil))
		_ = hosts.Leave(b.Context(), "a", 0)
	}
}

// A sweep that evicts all of 300,000 hosts of 8 zones, with no watcher and no cleanup.
func BenchmarkMassEviction(b *testing.B) {
	const n = 300_000
	evicted := 0
	for b.Loop() {
		b.StopTimer()
		var now clockOf
		hosts, err := hostmgr.New(hostmgr.Config[*meta]{Clock: &now, StallThreshold: -1})
		if err != nil {
			b.Fatal(err)
		}
		for i := range n {
			a := announcement(fmt.Sprintf("a host with an id %d", i), nil)
			a.Zone = fmt.Sprint("zone ", i%8)
			if _, err := hosts.Announce(a); err != nil {
				b.Fatal(err)
			}
		}
		hosts.Sweep(b.Context())
		now += clockOf(3 * time.Hour)
		b.StartTimer()
		evicted += hosts.Sweep(b.Context()).Evicted
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(evicted), "ns/eviction")
}
