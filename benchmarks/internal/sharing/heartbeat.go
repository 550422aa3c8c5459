package sharing

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/benchmarks/internal/engine"
	"github.com/hostlife/hostlife/benchmarks/internal/members"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

const (
	heartbeatRounds = 7 // each with registries of their own: their places in memory make a difference
	heartbeatTurns  = 20
	heartbeatTurn   = 50 * time.Millisecond
)

// heartbeat compares heartbeats of three registries in this process: one that is alone, one that
// keeps all hosts, and one that mirrors them. They take turns. The members run meanwhile.
func (b *bench) heartbeat() error {
	e, err := b.fresh()
	if err != nil {
		return err
	}
	w := b.window()
	var alone, keeper, mirror []float64
	for range heartbeatRounds {
		t, err := b.heartbeatRound(e)
		if err != nil {
			return err
		}
		alone = append(alone, t[0])
		keeper, mirror = append(keeper, t[1]/t[0]), append(mirror, t[2]/t[0])
	}
	load := w.Close()
	b.add(load, "a heartbeat of a registry that is not shared", median(alone), "ns")
	b.limited(load, "of a shared one that keeps the host, compared with that", median(keeper), "x", 1.02)
	b.limited(load, "of a shared one that mirrors the host, compared with that", median(mirror), "x", 1.02)
	return b.stop()
}

// heartbeatRound returns the time of a heartbeat in each registry, in nanoseconds.
func (b *bench) heartbeatRound(e *engine.Engine) (t [3]float64, err error) {
	ctx, cancel := context.WithCancel(b.ctx)
	runs, ctx := errgroup.WithContext(ctx)
	defer func() { cancel(); err = errors.Join(err, runs.Wait()) }()
	var all [3]*hostmgr.Registry[members.Metadata]
	for _, i := range rand.Perm(len(all)) {
		if all[i], err = hostmgr.New(hostmgr.Config[members.Metadata]{}); err != nil {
			return t, err
		}
		runs.Go(func() error { return all[i].Run(ctx) })
	}
	for i := range 2 {
		if err := b.fill(all[i]); err != nil {
			return t, err
		}
	}
	for _, r := range all[1:] {
		if err := shareWith(ctx, runs, r, e); err != nil {
			return t, err
		}
	}
	if err := b.awaitLen(ctx, all[2]); err != nil {
		return t, err
	}
	return b.turns(all), nil
}

// fill registers all hosts, with an interval that is longer than the round.
func (b *bench) fill(r *hostmgr.Registry[members.Metadata]) error {
	for host := range b.Hosts {
		if _, err := r.Announce(members.Announcement(host, 0, time.Hour)); err != nil {
			return err
		}
	}
	return nil
}

// shareWith makes a registry a member, until ctx ends.
func shareWith(ctx context.Context, runs *errgroup.Group, r *hostmgr.Registry[members.Metadata], e *engine.Engine) error {
	store, closed, err := engine.Open(e.Kind, e.Addr)
	if err != nil {
		return err
	}
	m, err := share.New(share.Config[members.Metadata]{Registry: r, Store: store})
	if err != nil {
		return errors.Join(err, closed())
	}
	runs.Go(func() error { return errors.Join(m.Run(ctx), closed()) })
	return nil
}

func (b *bench) awaitLen(ctx context.Context, r *hostmgr.Registry[members.Metadata]) error {
	for limit := time.Now().Add(time.Minute); r.Len() < b.Hosts; time.Sleep(10 * time.Millisecond) {
		if ctx.Err() != nil || time.Now().After(limit) {
			return fmt.Errorf("%d of %d hosts are mirrored", r.Len(), b.Hosts)
		}
	}
	time.Sleep(time.Second) // what is left to write is written
	return nil
}

// turns lets each registry take heartbeats in turns, and returns the median time of a heartbeat.
func (b *bench) turns(all [3]*hostmgr.Registry[members.Metadata]) (t [3]float64) {
	ids := make([]string, b.Hosts)
	for i := range ids {
		ids[i] = members.ID(i)
	}
	var times [3][]float64
	for range heartbeatTurns {
		for _, i := range rand.Perm(len(all)) {
			times[i] = append(times[i], heartbeats(all[i], ids))
		}
	}
	for i := range t {
		t[i] = median(times[i])
	}
	return t
}

// heartbeats takes heartbeats of random hosts for one turn, and returns nanoseconds of each.
func heartbeats(r *hostmgr.Registry[members.Metadata], ids []string) float64 {
	const stride = 256 // heartbeats between two looks at the clock
	at, n := rand.IntN(len(ids)), 0
	for start := time.Now(); ; {
		for range stride {
			_, _ = r.Heartbeat(ids[at], 0)
			at = (at + 7919) % len(ids)
		}
		n += stride
		if took := time.Since(start); took >= heartbeatTurn {
			return float64(took) / float64(n)
		}
	}
}
