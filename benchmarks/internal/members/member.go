// Package members has the processes that share their registries: the orders that they obey, and the
// contacts of the hosts that each of them plays.
//
// The hosts are in the same process as the registry, so that a contact costs a method call. The
// members are processes of their own, so that the processor time, the garbage collection and the
// death of each are its own.
package members

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/benchmarks/internal/engine"
	"github.com/hostlife/hostlife/benchmarks/internal/machine"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A member is a registry, and shares it if it has an engine.
type member struct {
	ctx    context.Context
	end    context.CancelFunc
	runs   *errgroup.Group
	index  int
	pace   time.Duration // the interval of the hosts
	hosts  *hostmgr.Registry[Metadata]
	share  *share.Member[Metadata]
	close  func() error // of the connection to the engine
	beats  contacts
	watch  watcher
	counts struct{ contacts, unknown, refused atomic.Uint64 }
}

func begin(ctx context.Context, b Begin) (*member, Begun, error) {
	start := time.Now()
	m := &member{index: b.Index, pace: b.Interval, close: func() error { return nil }}
	m.beats = contacts{index: b.Index, contact: m.contact}
	ctx, m.end = context.WithCancel(ctx)
	m.runs, m.ctx = errgroup.WithContext(ctx)
	var err error
	if m.hosts, err = hostmgr.New(hostmgr.Config[Metadata]{Policy: hostmgr.Fixed(b.Timeout)}); err != nil {
		return nil, Begun{}, err
	}
	m.runs.Go(func() error { return m.hosts.Run(m.ctx) })
	m.runs.Go(func() error { m.beats.run(m.ctx); return nil })
	if b.Engine == "" {
		return m, Begun{}, nil
	}
	if err := m.join(b); err != nil {
		return nil, Begun{}, err
	}
	begun, err := m.awaitBegun(start, b.Await)
	return m, begun, err
}

// join connects to the engine, and makes the registry a member.
func (m *member) join(b Begin) error {
	store, closed, err := engine.Open(b.Engine, b.Addr)
	if err != nil {
		return err
	}
	m.close = closed
	m.share, err = share.New(share.Config[Metadata]{
		Registry: m.hosts, Store: store, Name: b.Name, Lapse: b.Lapse, Logger: logger(b.Name),
	})
	if err != nil {
		return err
	}
	m.runs.Go(func() error { return m.share.Run(m.ctx) })
	return nil
}

func (m *member) awaitBegun(start time.Time, hosts int) (b Begun, err error) {
	for b.Ready == 0 || b.Hosts == 0 {
		if b.Ready == 0 && m.share.Ready() {
			b.Ready = time.Since(start)
		}
		if b.Hosts == 0 && m.hosts.Len() >= hosts {
			b.Hosts = time.Since(start)
		}
		switch {
		case m.ctx.Err() != nil:
			return b, errors.Join(m.runs.Wait(), context.Cause(m.ctx))
		case time.Since(start) > beginLimit:
			return b, fmt.Errorf("ready %v, %d of %d hosts after %v", m.share.Ready(), m.hosts.Len(), hosts, beginLimit)
		}
		time.Sleep(time.Millisecond)
	}
	return b, nil
}

const beginLimit = 2 * time.Minute

// stop ends the member in good order.
func (m *member) stop() error {
	m.end()
	return errors.Join(m.runs.Wait(), m.close())
}

// contact is what a service does for a heartbeat of a host.
func (m *member) contact(host int) {
	m.counts.contacts.Add(1)
	if m.share != nil && !m.share.Ready() {
		m.counts.refused.Add(1)
		return
	}
	_, err := m.hosts.Heartbeat(ID(host), 0)
	if errors.Is(err, hostmgr.ErrUnknownHost) {
		m.counts.unknown.Add(1)
		_, _ = m.hosts.Announce(Announcement(host, 0, m.pace))
	}
}

// burst has all hosts that are at home here make a contact, as fast as they can.
func (m *member) burst(j Join) (last int64, err error) {
	for host := range j.Hosts.All {
		if j.Schedule.Home(host) == m.index {
			m.contact(host)
		}
	}
	return time.Now().UnixNano(), nil
}

// announce registers the hosts that are at home here.
func (m *member) announce(j Join) (took time.Duration, err error) {
	start := time.Now()
	for host := range j.Hosts.All {
		if j.Schedule.Home(host) != m.index {
			continue
		}
		if _, err := m.hosts.Announce(Announcement(host, 0, j.Interval)); err != nil {
			return 0, err
		}
	}
	if j.Flush && m.share != nil {
		ctx, cancel := context.WithTimeout(m.ctx, beginLimit)
		defer cancel()
		if err := m.share.Flush(ctx); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// change announces hosts with other metadata, at a rate. It returns when each was sent.
func (m *member) change(c Change) (sent map[int]int64, err error) {
	sent = make(map[int]int64, c.Count)
	host := c.First % c.Schedule.Hosts
	for i := range c.Count {
		time.Sleep(time.Until(time.Unix(0, c.Start).Add(time.Duration(float64(i) / c.PerSecond * 1e9))))
		for c.Schedule.Home(host) != m.index {
			host = (host + 1) % c.Schedule.Hosts
		}
		number := c.First + i*c.Step
		a := Announcement(host, number, m.pace)
		sent[number] = time.Now().UnixNano()
		if _, err := m.hosts.Announce(a); err != nil {
			return nil, err
		}
		host = (host + 1) % c.Schedule.Hosts
	}
	return sent, nil
}

// await waits for a number of hosts, and returns when it was reached.
func (m *member) await(u Until) (at int64, err error) {
	for limit := time.Now().Add(u.Limit); ; time.Sleep(time.Millisecond) {
		n, now := m.hosts.Len(), time.Now()
		if n == u.Hosts {
			return now.UnixNano(), nil
		}
		if now.After(limit) || m.ctx.Err() != nil {
			return 0, fmt.Errorf("%d hosts, not %d, after %v", n, u.Hosts, u.Limit)
		}
	}
}

func (m *member) figures() (Figures, error) {
	cpu, err := machine.Own()
	r := m.hosts.Stats()
	f := Figures{
		CPU: cpu, Contacts: m.counts.contacts.Load(), Unknown: m.counts.unknown.Load(),
		Refused: m.counts.refused.Load(), Late: time.Duration(m.beats.late.Swap(0)),
		Hosts: r.Hosts, Evicted: r.Departures.Evicted, Rejoined: r.RejoinedAfterEviction,
	}
	if m.share != nil {
		s := m.share.Stats()
		f.Kept, f.Writes, f.Conflicts = s.Kept, s.Writes, s.Conflicts
		f.Snapshots, f.Buried, f.FeedErrors = s.Snapshots, s.Buried, s.FeedErrors
	}
	return f, err
}
