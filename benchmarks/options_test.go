package main

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// options are registries whose heartbeats do more work: go test -bench Options ./benchmarks
var options = []struct {
	name string
	cfg  hostmgr.Config[*meta]
}{
	{"none", hostmgr.Config[*meta]{}},
	{"pacing", hostmgr.Config[*meta]{Pacing: hostmgr.Pacing{PerSecond: 1e9, Jitter: 0.1}}},
	{"phi", hostmgr.Config[*meta]{Policy: hostmgr.PhiAccrual{}}},
	{"shadow", hostmgr.Config[*meta]{Shadow: hostmgr.Tiered{}}},
	{"shadow with history", hostmgr.Config[*meta]{Shadow: hostmgr.PhiAccrual{}}},
	{"recorder", hostmgr.Config[*meta]{Recorder: io.Discard}},
}

func BenchmarkOptions(b *testing.B) {
	for _, x := range options {
		b.Run(x.name, func(b *testing.B) {
			hosts, ids := registeredIn(b, x.cfg)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := hosts.Heartbeat(ids[i%benchHosts], 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRecordedEviction measures a join and an eviction, with and without a recorder.
func BenchmarkRecordedEviction(b *testing.B) {
	for _, w := range []io.Writer{nil, io.Discard} {
		b.Run(fmt.Sprintf("%T", w), func(b *testing.B) {
			var now clockOf
			hosts, err := hostmgr.New(hostmgr.Config[*meta]{Clock: &now, Recorder: w})
			if err != nil {
				b.Fatal(err)
			}
			evicted := 0
			for b.Loop() {
				for i := range 10_000 {
					if _, err := hosts.Announce(announcement(fmt.Sprint(i), nil)); err != nil {
						b.Fatal(err)
					}
				}
				now += clockOf(3 * time.Hour)
				evicted += hosts.Sweep(context.Background()).Evicted
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(evicted), "ns/registration")
		})
	}
}

// A clockOf is a clock that stands still.
type clockOf time.Duration

func (c *clockOf) Now() time.Time                       { return time.Unix(0, 0).Add(time.Duration(*c)) }
func (c *clockOf) After(time.Duration) <-chan time.Time { return nil }

func TestOptionsAllocateNothing(t *testing.T) {
	for _, x := range options {
		hosts, ids := registeredIn(t, x.cfg)
		i := 0
		if n := testing.AllocsPerRun(1000, func() {
			_, _ = hosts.Heartbeat(ids[i%benchHosts], 0)
			i++
		}); n != 0 {
			t.Errorf("%s: a heartbeat allocates %v times", x.name, n)
		}
	}
}
