package sharing

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/benchmarks/internal/members"
)

// changes measures how soon a change is visible at all members.
func (b *bench) changes() error {
	const perSecond = 500
	if err := b.fleet(); err != nil {
		return err
	}
	if err := b.each((*members.Process).Watch); err != nil {
		return err
	}
	before, err := b.figures()
	if err != nil {
		return err
	}
	w, cpu, err := b.atWork()
	if err != nil {
		return err
	}
	sent, err := b.change(perSecond)
	if err != nil {
		return err
	}
	s := spell{took: w.Took(), load: w.Close()}
	load := s.load
	after, err := b.engineCPU()
	if err != nil {
		return err
	}
	now, err := b.figures()
	if err != nil {
		return err
	}
	s.compare(before, now)
	b.sleep(time.Second)
	delays, err := b.delays(sent)
	if err != nil {
		return err
	}
	b.limited(load, "a change at 500/s, until all members see it: median", ms(quantile(delays, 0.5)), "ms", 2)
	b.limited(load, "99th percentile", ms(quantile(delays, 0.99)), "ms", 50)
	b.add(load, "longest", ms(quantile(delays, 1)), "ms")
	b.add(load, "processor time of the engine for it", us(after-cpu)/float64(len(sent)), "us a change")
	b.addMember(&s)
	if missing := len(sent) - len(delays); missing > 0 {
		return fmt.Errorf("%d of %d changes were not seen by all members", missing, len(sent))
	}
	return nil
}

// change has the members announce changes, each its part of the rate. It returns when each was sent.
func (b *bench) change(perSecond float64) (sent map[int]int64, err error) {
	n := len(b.members)
	sent = map[int]int64{}
	var (
		mu  sync.Mutex // guards sent
		all errgroup.Group
	)
	start := time.Now().Add(ahead)
	for i, p := range b.members {
		all.Go(func() error {
			own, err := p.Change(members.Change{
				Schedule: b.schedule, First: i + 1, Step: n, Count: int(b.For.Seconds() * perSecond / float64(n)),
				PerSecond: perSecond / float64(n), Start: start.Add(time.Duration(i) * time.Second / time.Duration(perSecond)).UnixNano(),
			})
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(sent, own)
			return err
		})
	}
	return sent, all.Wait()
}

// delays returns how long each change took until the last member saw it, sorted. Changes that a
// member has not seen are left out.
func (b *bench) delays(sent map[int]int64) (delays []time.Duration, err error) {
	var all []members.Seen
	for _, p := range b.members {
		seen, err := p.Seen()
		if err != nil {
			return nil, err
		}
		if err := p.Unwatch(); err != nil {
			return nil, err
		}
		all = append(all, seen)
	}
	for number, at := range sent {
		if last, ok := seenByAll(all, number); ok {
			delays = append(delays, time.Duration(last-at))
		}
	}
	slices.Sort(delays)
	return delays, nil
}

func seenByAll(all []members.Seen, number int) (last int64, ok bool) {
	for _, s := range all {
		at, seen := s.Changes[number]
		if !seen {
			return 0, false
		}
		last = max(last, at)
	}
	return last, true
}
