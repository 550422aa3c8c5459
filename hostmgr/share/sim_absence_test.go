package share

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

// An absence is a fault that waits until its member creates the record of a host. Then the member
// is cut off, the engine loses the record, and the others write more than was lost, before the
// member comes back. The host goes on talking to it.
//
// Or the engine loses nothing, but its answer does not reach the member, and the host restarts
// meanwhile.
type absence struct {
	m        *simMember
	after    time.Duration // the record was created
	lasts    time.Duration
	host     string
	half     bool
	restarts time.Duration // after
}

// aimAtJoin makes an absence of a member wait for its next host.
func (s *simulation) aimAtJoin(m *simMember) {
	a := &absence{m: m, after: s.between(20*time.Millisecond, 300*time.Millisecond), lasts: s.between(1500*time.Millisecond, 4500*time.Millisecond)}
	s.aims(a)
}

// aimAtAnswer makes a member wait for its next host, and then lose the answer.
func (s *simulation) aimAtAnswer(m *simMember) {
	lasts := s.between(time.Second, time.Minute)
	s.aims(&absence{m: m, lasts: lasts, half: true, restarts: s.between(0, lasts)})
}

func (s *simulation) aims(a *absence) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aim = a
}

// wrote takes a batch that a member has written: see oracle.wrote.
func (s *simulation) wrote(m *simMember, t *tableOf, batch []Write) {
	changes := s.oracle.wrote(m, t, batch)
	joins := ""
	for i := range batch {
		if k := record.ParseKey(batch[i].Key); batch[i].Expect == 0 && k.Kind == record.KindHost {
			joins = k.ID
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.aim; joins != "" && a != nil && a.m == m {
		s.aim, a.host = nil, joins
		time.AfterFunc(a.after, func() { s.begins(a, t, changes-len(batch)) })
	}
}

// begins begins an absence. The table loses all but this many changes.
func (s *simulation) begins(a *absence, t *tableOf, keep int) {
	switch {
	case a.m.link.isCut() || a.m.p.isDead() || t != s.reach(0):
		return
	case a.half:
		s.halve(a.m, answers, a.lasts)
		time.AfterFunc(a.restarts, func() { s.restart(a.host) })
		return
	}
	lost := t.Lose(s.oracle.wrote(a.m, t, nil) - keep)
	s.disturb("%s cut off for %v, and the engine loses %d changes", a.m.name, a.lasts, lost)
	a.m.link.drop()
	time.AfterFunc(a.lasts, func() {
		if !a.m.p.isDead() {
			s.disturb("%s is connected", a.m.name)
			a.m.link.setCut(false)
		}
	})
}

// restart lets the process of a host end before its next contact. Another one follows at once.
func (s *simulation) restart(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restarts[host] = true
}

// mustRestart reports once whether the process of a host must end.
func (s *simulation) mustRestart(host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	must := s.restarts[host]
	delete(s.restarts, host)
	return must
}
