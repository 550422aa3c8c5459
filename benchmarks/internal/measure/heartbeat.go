package measure

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/peers"
)

// A heartbeater takes heartbeats: false means that it does not know the host.
type heartbeater interface{ Heartbeat(id string) bool }

var errUnknown = errors.New("a heartbeat of a known host was refused")

// beatAll lets each of the first n hosts heartbeat once.
func (d *ids) beatAll(r peers.Registry, n int) error {
	for i := range n {
		if !r.Heartbeat(d.id(i)) {
			return errUnknown
		}
	}
	return nil
}

// heartbeatFor walks through the hosts from a random one on, and returns heartbeats a
// nanosecond.
func (d *ids) heartbeatFor(r heartbeater, window time.Duration) (rate float64, err error) {
	const stride = 256 // heartbeats between two looks at the clock
	at, heartbeats := rand.IntN(d.n), 0
	start := time.Now()
	for {
		for range stride {
			if !r.Heartbeat(d.id(at)) {
				return 0, errUnknown
			}
			if at++; at == d.n {
				at = 0
			}
		}
		heartbeats += stride
		if took := time.Since(start); took >= window {
			return float64(heartbeats) / float64(took), nil
		}
	}
}

// batchesFor is heartbeatFor in batches, or one by one if the registry takes no batches.
func (d *ids) batchesFor(r heartbeater, window time.Duration) (rate float64, err error) {
	b, ok := r.(peers.Batcher)
	if !ok {
		return d.heartbeatFor(r, window)
	}
	var batch [peers.MaxBatch]string
	at, heartbeats := rand.IntN(d.n), 0
	start := time.Now()
	for {
		for i := range batch {
			batch[i] = d.id(at)
			if at++; at == d.n {
				at = 0
			}
		}
		if !b.Heartbeats(batch[:]) {
			return 0, errUnknown
		}
		heartbeats += len(batch)
		if took := time.Since(start); took >= window {
			return float64(heartbeats) / float64(took), nil
		}
	}
}

// beatPar is heartbeatFor on as many goroutines as there are processors: their rates add up.
func (d *ids) beatPar(r heartbeater, window time.Duration) (float64, error) {
	rates := make([]float64, runtime.GOMAXPROCS(0))
	errs := make([]error, len(rates))
	var all sync.WaitGroup
	for i := range rates {
		all.Go(func() { rates[i], errs[i] = d.heartbeatFor(r, window) })
	}
	all.Wait()
	sum := 0.0
	for _, rate := range rates {
		sum += rate
	}
	return sum, errors.Join(errs...)
}
