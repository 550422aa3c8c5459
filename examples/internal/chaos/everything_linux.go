package chaos

import (
	"errors"
	"sync"
	"time"
)

const attacks = 6

// everything plays faults one after another, and half of them while the one before still lasts.
// What is random about them is chosen before they begin.
func (r *round) everything() error {
	var list []func() error
	var waits []bool
	failOverAt := r.rnd.IntN(attacks)
	for i := range attacks {
		if i == failOverAt {
			writes, after := 10+r.rnd.IntN(30), r.between(0, 2*time.Second)
			list = append(list, func() error { return r.redis().failOver(writes, after) })
		} else {
			list = append(list, r.anyFault(r.schedulers[i%len(r.schedulers)]))
		}
		// Two faults of one process, or of the engine, do not overlap.
		waits = append(waits, i%len(r.schedulers) == len(r.schedulers)-1 || i == failOverAt || r.rnd.IntN(2) == 0)
	}
	return r.whileManyDie(func() error { return r.inTurn(list, r.cfg.Interval, waits) })
}

// inTurn begins each fault a little after the one before, or waits for that first.
func (r *round) inTurn(list []func() error, pause time.Duration, waits []bool) error {
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	for i, f := range list {
		if waits[i] {
			wg.Wait()
		}
		wg.Go(func() { errs[i] = f() })
		if waits[i] {
			wg.Wait()
		}
		r.pause(pause)
	}
	wg.Wait()
	return errors.Join(errs...)
}

// anyFault returns a fault of a scheduler or its link, of a random kind and length.
func (r *round) anyFault(s *scheduler) func() error {
	d := r.between(r.cfg.timeout()/2, r.cfg.Lapse+2*r.cfg.timeout())
	link := func(how string, toxics ...toxic) func() error {
		return func() error {
			return r.disturbs(s.name, how, func() error { return r.redis().links[s.number].suffers(toxics, r.lasts(d)) })
		}
	}
	switch r.rnd.IntN(6) {
	case 0:
		return func() error { return s.stopped(r.lasts(d)) }
	case 1:
		return link("cut off", toxic{up, dropped}, toxic{down, dropped})
	case 2:
		return link("not heard", toxic{up, dropped})
	case 3:
		return link("not answered", toxic{down, dropped})
	case 4:
		late := delayed(r.between(100*time.Millisecond, time.Second), 0)
		return link("late", toxic{up, late}, toxic{down, late})
	default:
		return func() error {
			s.kill()
			r.pause(d)
			return s.start()
		}
	}
}
