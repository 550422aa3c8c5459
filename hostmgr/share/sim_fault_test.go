package share

import "time"

// trouble makes faults until it is calm.
func (s *simulation) trouble() {
	time.Sleep(20 * time.Second)
	for !s.isCalm() {
		s.fault()
		time.Sleep(s.between(time.Second, 40*time.Second))
	}
}

func (s *simulation) between(a, b time.Duration) time.Duration {
	return a + time.Duration(s.rnd.Int64N(int64(b-a)+1))
}

func (s *simulation) fault() {
	f, number := s.faults, s.rnd.IntN(len(s.members))
	m := s.member(number)
	switch k := s.rnd.IntN(7); {
	case f.away && s.rnd.IntN(2) == 0:
		s.aimAtJoin(m)
	case k == 0 && f.crash:
		s.crash(number, m)
	case k == 1 && f.freeze:
		d := s.between(time.Second, 2*time.Minute)
		s.disturb("%s frozen for %v", m.name, d)
		s.interrupt(m, d)
		m.p.freeze(d)
		time.AfterFunc(d, func() { s.disturb("%s thaws", m.name) })
	case f.half && s.rnd.IntN(2) == 0:
		s.aimAtAnswer(m)
	case k < 3 && f.half:
		s.halve(m, half(1+s.rnd.IntN(2)), s.between(time.Second, time.Minute))
	case k == 2 && f.cut && !m.link.isCut():
		d := s.between(time.Second, time.Minute)
		s.disturb("%s cut off for %v", m.name, d)
		s.interrupt(m, d)
		m.link.setCut(true)
		time.AfterFunc(d, func() {
			if !m.p.isDead() {
				s.disturb("%s is connected", m.name)
				m.link.setCut(false)
			}
		})
	case k == 3 && f.down:
		d := s.between(time.Second, 2*time.Minute)
		s.disturb("engine down for %v", d)
		t := s.reach(number)
		s.interrupt(nil, d)
		t.SetDown(true)
		time.AfterFunc(d, func() { s.disturb("engine up"); t.SetDown(false) })
	case k == 4 && f.lose:
		s.disturb("engine loses %d changes", s.reach(0).Lose(1+s.rnd.IntN(30)))
	case k == 5 && f.wipe && s.rnd.IntN(3) == 0:
		s.disturb("engine restarts empty")
		s.reach(0).Wipe()
	case k == 6 && f.split:
		s.split()
	}
}

// crash kills a member, and starts it again later. In one of three cases it says goodbye first.
func (s *simulation) crash(number int, m *simMember) {
	if m.p.isDead() {
		return
	}
	if s.rnd.IntN(3) == 0 {
		s.disturb("%s ends", m.name)
		m.leave()
		<-m.ended
		m.p.kill()
	} else {
		s.disturb("%s crashes", m.name)
		m.crash()
	}
	time.AfterFunc(s.between(100*time.Millisecond, time.Minute), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.members[number] = s.begin(number)
	})
}

// split promotes a replica while the former primary goes on for some of the members. After 10 s
// that one refuses all writes; later it is gone.
func (s *simulation) split() {
	s.mu.Lock()
	if s.old != nil {
		s.mu.Unlock()
		return
	}
	old := s.primary
	s.old, s.primary = old, old.Fork()
	for i := range s.reachOld {
		s.reachOld[i] = s.rnd.IntN(2) == 0
	}
	heals := s.between(5*time.Second, time.Minute)
	s.mu.Unlock()
	s.disturb("two primaries for %v, %v", heals, s.reachOld)
	time.AfterFunc(10*time.Second, func() { old.SetDown(true) })
	time.AfterFunc(heals, func() {
		s.disturb("one primary")
		s.mu.Lock()
		defer s.mu.Unlock()
		s.old = nil
	})
}

// halve makes the link of a member lose all messages in one direction for some time.
func (s *simulation) halve(m *simMember, h half, d time.Duration) {
	if m.link.loses(requests) || m.link.loses(answers) {
		return
	}
	s.disturb("%s loses its %s for %v", m.name, []string{requests: "requests", answers: "answers"}[h], d)
	s.interrupt(m, d)
	m.link.lose(h)
	time.AfterFunc(d, func() {
		if !m.p.isDead() {
			s.disturb("%s loses nothing", m.name)
			m.link.lose(0)
		}
	})
}
