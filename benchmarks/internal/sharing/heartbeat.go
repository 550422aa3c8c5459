package sharing

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/benchmarks/internal/engine"
	"github.com/hostlife/hostlife/benchmarks/internal/machine"
	"github.com/hostlife/hostlife/benchmarks/internal/members"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

const (
	heartbeatRounds = 9 // each with registries of their own: their places in memory make a difference
	heartbeatTurns  = 40
	heartbeatTurn   = 20 * time.Millisecond // of processor time
)

// The registries that heartbeat compares.
const (
	alone = iota
	again // alone, too: what differs between the two is noise
	keeper
	mirror
	heartbeatKinds
)

// heartbeat compares heartbeats of four registries in this process: two that are alone, one that
// keeps all hosts, and one that mirrors them. They take turns. The members run meanwhile.
func (b *bench) heartbeat() error {
	w := b.window()
	var base []float64
	var ratios [heartbeatKinds][]float64
	for range heartbeatRounds {
		t, err := b.heartbeatRound()
		if err != nil {
			return err
		}
		base = append(base, t[alone])
		for i := range t {
			ratios[i] = append(ratios[i], t[i]/t[alone])
		}
	}
	load := w.Close()
	b.add(load, "a heartbeat of a registry that is not shared", median(base), "ns")
	b.add(load, "of another one that is not shared, compared with that", median(ratios[again]), "x")
	b.limited(load, "of a shared one that keeps the host, compared with that", median(ratios[keeper]), "x", 1.02)
	b.limited(load, "of a shared one that mirrors the host, compared with that", median(ratios[mirror]), "x", 1.02)
	return b.stop()
}

// heartbeatRound returns the time of a heartbeat in each registry, in nanoseconds. The table is
// empty at first. Otherwise the keeper would give its hosts the numbers of the round before, and
// each of them would have a slot that is used up in the index.
func (b *bench) heartbeatRound() (t [heartbeatKinds]float64, err error) {
	e, err := b.fresh()
	if err != nil {
		return t, err
	}
	ctx, cancel := context.WithCancel(b.ctx)
	runs, ctx := errgroup.WithContext(ctx)
	defer func() { cancel(); err = errors.Join(err, runs.Wait()) }()
	var all [heartbeatKinds]*hostmgr.Registry[members.Metadata]
	for _, i := range rand.Perm(len(all)) {
		if all[i], err = hostmgr.New(hostmgr.Config[members.Metadata]{}); err != nil {
			return t, err
		}
		runs.Go(func() error { return all[i].Run(ctx) })
	}
	for _, i := range rand.Perm(mirror) {
		if err := b.fill(all[i]); err != nil {
			return t, err
		}
	}
	for _, r := range all[keeper:] {
		if err := shareWith(ctx, runs, r, e); err != nil {
			return t, err
		}
	}
	if err := b.awaitLen(ctx, all[mirror]); err != nil {
		return t, err
	}
	return b.turns(all)
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
func (b *bench) turns(all [heartbeatKinds]*hostmgr.Registry[members.Metadata]) (t [heartbeatKinds]float64, err error) {
	ids := make([]string, b.Hosts)
	for i := range ids {
		ids[i] = members.ID(i)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var times [heartbeatKinds][]float64
	for range heartbeatTurns {
		for _, i := range rand.Perm(len(all)) {
			took, err := heartbeats(all[i], ids)
			if err != nil {
				return t, err
			}
			times[i] = append(times[i], took)
		}
	}
	for i := range t {
		t[i] = median(times[i])
	}
	return t, nil
}

// heartbeats takes heartbeats of random hosts for one turn, and returns nanoseconds of each. It
// counts the processor time of its thread: other processes would distort the time of so short a
// turn.
func heartbeats(r *hostmgr.Registry[members.Metadata], ids []string) (float64, error) {
	const stride = 256 // heartbeats between two looks at the clock
	at, n := rand.IntN(len(ids)), 0
	start, err := machine.Thread()
	for err == nil {
		for range stride {
			_, _ = r.Heartbeat(ids[at], 0)
			at = (at + 7919) % len(ids)
		}
		n += stride
		var now time.Duration
		if now, err = machine.Thread(); now-start >= heartbeatTurn {
			return float64(now-start) / float64(n), err
		}
	}
	return 0, err
}
