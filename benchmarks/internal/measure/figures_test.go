package measure

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestQuantile(t *testing.T) {
	var h histogram
	var all []uint64
	for range 10_000 {
		v := rand.Uint64N(1 << rand.IntN(40))
		h.add(v)
		all = append(all, v)
	}
	slices.Sort(all)
	for _, q := range []float64{0, 0.5, 0.99, 0.999} {
		exact, got := all[int(q*float64(len(all)))], h.quantile(q)
		if got < exact || float64(got) > float64(exact)*1.04+1 {
			t.Errorf("quantile %v is %d, not %d", q, got, exact)
		}
	}
	if h.quantile(1) != all[len(all)-1] {
		t.Errorf("the longest is %d, not %d", h.quantile(1), all[len(all)-1])
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{[]float64{7}, 7}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1}, 2.5}} {
		if got := median(c.of); got != c.want {
			t.Errorf("the median of %v is %v, not %v", c.of, got, c.want)
		}
	}
}

// A heartbeat during which the kernel took the processor away is the longest, but not of those
// that were undisturbed.
func TestBeatTimesLeaveOutWhatTheKernelTook(t *testing.T) {
	times := &beatTimes{switches: -1} // it has been more since
	times.note(50)
	times.note(notable + 1)
	if times.max != notable+1 || times.undisturbed != 50 {
		t.Fatalf("%d was the longest, and %d undisturbed", times.max, times.undisturbed)
	}
	times.note(slice)
	if times.undisturbed != slice {
		t.Fatalf("%d undisturbed, after a heartbeat that waited for more than the kernel", times.undisturbed)
	}
}
