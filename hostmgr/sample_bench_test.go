package hostmgr_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

const benchedHosts = 100_000

// benched has hosts in 50 zones. The hosts for which suspect returns true have been silent until a
// sweep found them suspect.
func benched(b testing.TB, hosts int, suspect func(i int) bool) *script {
	s := newScript(b, hostmgr.Config[string]{})
	for i := range hosts {
		s.announce(hostmgr.Announcement[string]{ID: benchedID(i), Zone: fmt.Sprint("zone ", i%50)})
	}
	s.clock.Advance(50 * time.Second)
	for i := range hosts {
		if !suspect(i) {
			s.heartbeat(benchedID(i))
		}
	}
	s.clock.Advance(time.Second)
	s.Sweep(context.Background())
	return s
}

func benchedID(i int) string { return fmt.Sprintf("host-%d.example.net", i) }

// Each zone has 2 % of all hosts. In each case some hosts are suspect.
var benchedOutages = []struct {
	name    string
	suspect func(i int) bool
}{
	{"all alive", func(int) bool { return false }},
	{"half of all suspect", func(i int) bool { return i/50%2 == 0 }},
	{"98 percent of all suspect", func(i int) bool { return i/50%50 > 0 }},
	{"half of the zone suspect", func(i int) bool { return i%50 == 7 && i/50%2 == 0 }},
	{"90 percent of the zone suspect", func(i int) bool { return i%50 == 7 && i/50%10 > 0 }},
	{"98 percent of the zone suspect", func(i int) bool { return i%50 == 7 && i/50%50 > 0 }},
	{"the zone suspect", func(i int) bool { return i%50 == 7 }},
	{"all suspect", func(int) bool { return true }},
}

func inZone7(h hostmgr.Host[string]) bool { return h.Zone == "zone 7" }

func BenchmarkSampleOfAZone(b *testing.B) {
	for _, c := range benchedOutages {
		b.Run(c.name, func(b *testing.B) {
			s := benched(b, benchedHosts, c.suspect)
			want, calls := min(16, len(s.Sample(benchedHosts, inZone7))), 0
			b.ReportAllocs()
			for b.Loop() {
				got := s.Sample(16, func(h hostmgr.Host[string]) bool { calls++; return inZone7(h) })
				if len(got) != want {
					b.Fatalf("a sample of %d", len(got))
				}
			}
			b.ReportMetric(float64(calls)/float64(b.N), "keeps/op")
		})
	}
}

func BenchmarkSampleOfAll(b *testing.B) {
	s := benched(b, benchedHosts, benchedOutages[0].suspect)
	for _, n := range []int{1, 16, 1000, 50000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := s.Sample(n, nil); len(got) != n {
					b.Fatalf("a sample of %d", len(got))
				}
			}
		})
	}
}

func BenchmarkAll(b *testing.B) {
	s := benched(b, benchedHosts, benchedOutages[0].suspect)
	b.ReportAllocs()
	for b.Loop() {
		for range s.All() {
		}
	}
}
