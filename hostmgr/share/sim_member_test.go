package share

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A simMember is one life of a scheduler process: it has a registry, and shares it.
type simMember struct {
	sim    *simulation
	name   string
	p      *process
	link   *link
	reg    *hostmgr.Registry[string]
	share  *Member[string]
	cancel context.CancelFunc
	ended  chan struct{} // closed when Run of both has returned
	log    memberLog
}

// begin starts a life of the member with this number.
func (s *simulation) begin(number int) *simMember {
	s.lives++
	p := &process{}
	m := &simMember{sim: s, name: fmt.Sprintf("%c%d", 'A'+number, s.lives), p: p, ended: make(chan struct{})}
	m.log = newMemberLog(m)
	m.link = newLink(p, s, func() *tableOf { return s.reach(number) }, s.seed<<16+uint64(s.lives))
	m.link.wrote = func(t *tableOf, batch []Write) { s.wrote(m, t, batch) }
	m.link.answered = func(batch []Write, err error) { s.oracle.answered(m, batch, err) }
	cfg := s.registryConfig()
	cfg.Clock, cfg.Cleanup = p, m.log.cleanup
	var err error
	if m.reg, err = hostmgr.New(cfg); err != nil {
		panic(err)
	}
	m.share, err = New(Config[string]{
		Registry: m.reg, Store: m.link, Cleanup: m.sharedCleanup, Lapse: s.lapse, Name: m.name,
	})
	if err != nil {
		panic(err)
	}
	m.run()
	return m
}

func (m *simMember) run() {
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	watched, swept, shared := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for e := range m.reg.Watch(ctx) {
			m.log.see(e)
		}
	}()
	go func() {
		defer close(swept)
		_ = m.reg.Run(ctx)
	}()
	go func() {
		defer close(shared)
		if err := m.share.Run(ctx); err != nil && !errors.Is(err, ErrNoGoodbye) && !m.p.isDead() {
			m.sim.oracle.fail("%s: Run returns %v", m.name, err)
		}
	}()
	go func() {
		<-watched
		<-swept
		<-shared
		close(m.ended)
	}()
}

// crash ends the process without a goodbye.
func (m *simMember) crash() {
	m.sim.interrupt(m, forGood)
	m.p.kill()
	m.link.setCut(true)
	m.cancel()
}

// leave ends the process with a goodbye.
func (m *simMember) leave() {
	m.sim.interrupt(m, forGood)
	m.cancel()
}

var errCleanup = errors.New("simulated failure")

// sharedCleanup takes some time, and fails now and then.
func (m *simMember) sharedCleanup(ctx context.Context, d hostmgr.Departure[string]) error {
	key := lifeKey{d.Host.ID, d.Host.Registration}
	r := rand.New(rand.NewPCG(m.sim.seed, key.registration+uint64(d.Attempt)))
	began := time.Now()
	select {
	case <-time.After(time.Duration(r.Int64N(int64(300 * time.Millisecond)))):
	case <-ctx.Done():
		return ctx.Err()
	}
	if m.p.pass(); m.p.isDead() {
		return errCleanup
	}
	if r.IntN(4) == 0 {
		return errCleanup
	}
	m.sim.oracle.cleaned(m, key, began)
	return nil
}

// serve does a request of a host, as a scheduler does.
func (m *simMember) serve(request func() error) error {
	if m.p.pass(); m.p.isDead() {
		return errNetwork
	}
	if !m.share.Ready() {
		return errNotReady
	}
	err := request()
	if m.p.isDead() {
		return errNetwork
	}
	return err
}

var errNotReady = errors.New("not ready")
