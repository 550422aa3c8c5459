package sharing

import (
	"slices"
	"testing"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/members"
)

func TestLatenessIsThatOfTheFirstAndOfTheLastMember(t *testing.T) {
	b := &bench{Options: Options{Interval: time.Second}, multiple: fixed}
	at := func(ms int64) int64 { return ms * int64(time.Millisecond) }
	all := []members.Seen{
		{Departures: []members.Departed{{Host: 0, At: at(2005)}, {Host: 7, At: at(2130)}, {Host: 1, At: at(1)}}},
		{Departures: []members.Departed{{Host: 7, At: at(2150)}, {Host: 0, At: at(2003)}}},
	}
	mortals := members.Hosts{To: 8, Step: 7}
	first, last, err := b.lateness(mortals, map[int]int64{0: 0, 7: at(100)}, all)
	if err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{3 * time.Millisecond, 30 * time.Millisecond}; !slices.Equal(first, want) {
		t.Errorf("first: %v, not %v", first, want)
	}
	if want := []time.Duration{5 * time.Millisecond, 50 * time.Millisecond}; !slices.Equal(last, want) {
		t.Errorf("last: %v, not %v", last, want)
	}
	if n := strangers(all, mortals); n != 1 {
		t.Errorf("%d departures of hosts that live", n)
	}
	if _, _, err := b.lateness(mortals, map[int]int64{0: 0, 7: 0}, append(all, members.Seen{})); err == nil {
		t.Error("a member that has not seen a departure is not noticed")
	}
}

func TestMortalsAreOfAllMembers(t *testing.T) {
	for n := 1; n <= 12; n++ {
		b := &bench{Options: Options{Hosts: 10_000, Members: n}}
		homes := map[int]bool{}
		for host := range b.mortals().All {
			homes[host%n] = true
		}
		if len(homes) != n {
			t.Errorf("%d members: mortals of %d", n, len(homes))
		}
	}
}

func TestQuantile(t *testing.T) {
	sorted := []time.Duration{1, 2, 3, 4}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 3, 0.99: 4, 1: 4} {
		if got := quantile(sorted, q); got != want {
			t.Errorf("%v: %v, not %v", q, got, want)
		}
	}
	if quantile(nil, 0.5) != 0 {
		t.Error("there is a quantile of nothing")
	}
}
