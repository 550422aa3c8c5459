package share

import (
	"context"
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A memberLog checks what one registry tells its watchers and its cleanup.
type memberLog struct {
	m       *simMember
	mu      *sync.Mutex // guards all below
	current map[string]uint64
	ended   map[lifeKey]time.Time
	cleaned map[lifeKey]int
}

func newMemberLog(m *simMember) memberLog {
	return memberLog{m, new(sync.Mutex), map[string]uint64{}, map[lifeKey]time.Time{}, map[lifeKey]int{}}
}

// see checks the order of events: each registration joins, and departs once.
func (l *memberLog) see(e hostmgr.Event[string]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o, id := l.m.sim.oracle, e.Host.ID
	k := lifeKey{id, e.Host.Registration}
	current, there := l.current[id]
	switch e.Kind {
	case hostmgr.EventMissed:
		o.fail("%s missed events", l.m.name)
	case hostmgr.EventJoined:
		if there {
			o.fail("%s: %v joins while registration %d is there", l.m.name, k, current)
		}
		if _, twice := l.ended[k]; twice {
			o.fail("%s: %v joins again", l.m.name, k)
		}
		l.current[id] = k.registration
	case hostmgr.EventUpdated: // it may have got other numbers
		if !there {
			o.fail("%s: %v is updated, and was not there", l.m.name, k)
		}
		l.current[id] = k.registration
	case hostmgr.EventSuspected, hostmgr.EventRecovered:
		if current != k.registration {
			o.fail("%s: %v changes, and registration %d is there", l.m.name, k, current)
		}
	case hostmgr.EventDeparted:
		l.m.sim.trace("%s: %s %d departs, %v: %s", l.m.name, id, k.registration, e.Departure.Kind, e.Departure.Reason())
		if e.Departure.Evidence.Judgement == "it departed while this member was out of touch" && !o.hasEnded(k) {
			o.fail("%s: %v departs, and no member has ended it", l.m.name, k)
		}
		if current != k.registration {
			o.fail("%s: %v departs, and registration %d is there", l.m.name, k, current)
		}
		if _, twice := l.ended[k]; twice {
			o.fail("%s: %v departs again", l.m.name, k)
		}
		l.ended[k] = time.Now()
		delete(l.current, id)
	}
}

// cleanup is Config.Cleanup of the registry.
func (l *memberLog) cleanup(_ context.Context, d hostmgr.Departure[string]) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cleaned[lifeKey{d.Host.ID, d.Host.Registration}]++
	return nil
}

// check checks that the cleanup of each departure was done.
func (l *memberLog) check() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range l.ended {
		if l.cleaned[k] == 0 {
			l.m.sim.oracle.fail("%s has not cleaned up %v", l.m.name, k)
		}
	}
}
