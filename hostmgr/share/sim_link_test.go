package share

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

var errNetwork = errors.New("simulated network error")

// A link is the Store of one simulated member: its connection to the engine, with delays and
// faults.
type link struct {
	p     *process
	sim   *simulation
	table func() *table.Table // that it reaches at this moment
	wrote func(t *table.Table, batch []Write)

	answered func(batch []Write, err error)
	most     time.Duration // that a message takes, with few exceptions

	mu    sync.Mutex // guards all below
	cut   bool
	half  half
	drops int // calls of drop
	rnd   *rand.Rand
	heard chan struct{} // closed when cut changes
}

// A half is a direction of a link that loses its messages.
type half uint8

const (
	requests half = iota + 1 // to the engine
	answers                  // of the engine, and its feed
)

func newLink(p *process, sim *simulation, reach func() *table.Table, seed uint64) *link {
	return &link{
		p: p, sim: sim, table: reach, rnd: rand.New(rand.NewPCG(seed, 11)), heard: make(chan struct{}),
		most: []time.Duration{5, 50, 5, 400}[sim.seed/12%4] * time.Millisecond,
	}
}

func (l *link) setCut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	close(l.heard)
	l.heard = make(chan struct{})
}

// lose lets one direction of the link lose all messages; 0: none.
func (l *link) lose(h half) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.half = h
	close(l.heard)
	l.heard = make(chan struct{})
}

// loses reports whether a message in a direction is lost.
func (l *link) loses(h half) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut || l.half == h
}

// drop cuts the link. The feed does not survive that: the next one begins with a snapshot.
func (l *link) drop() {
	l.mu.Lock()
	l.drops++
	l.mu.Unlock()
	l.setCut(true)
}

func (l *link) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

// chance draws whether something happens that happens once in n times.
func (l *link) chance(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rnd.IntN(n) == 0
}

func (l *link) draw(most time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Duration(l.rnd.Int64N(int64(most)))
}

// travel takes the time of a message. The message is lost if the link is cut: then travel waits
// until ctx ends.
func (l *link) travel(ctx context.Context, to half) error {
	d := 200*time.Microsecond + l.draw(l.most)
	if l.chance(200) {
		d += l.draw(time.Second)
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
		return ctx.Err()
	}
	if l.p.pass(); l.loses(to) || l.p.isDead() {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (l *link) Put(ctx context.Context, batch []Write) (err error) {
	defer func() { l.answered(batch, err) }()
	l.p.pass()
	if err := l.travel(ctx, requests); err != nil {
		return err
	}
	if l.chance(300) {
		time.AfterFunc(l.draw(10*time.Second), func() { _ = l.put(l.table(), batch) })
		<-ctx.Done()
		return ctx.Err() // it is written later
	}
	t := l.table()
	err = l.put(t, batch)
	switch {
	case errors.Is(err, table.ErrDown) && l.chance(2):
		<-ctx.Done()
		return ctx.Err()
	}
	if lost := l.travel(ctx, answers); lost != nil {
		return lost
	}
	if err == nil && l.chance(500) {
		return errNetwork // the answer is lost
	}
	return err
}

func (l *link) put(t *table.Table, batch []Write) error {
	m := &memory{}
	m.Use(t)
	err := m.Put(context.Background(), batch)
	if err == nil {
		l.wrote(t, batch)
	}
	return err
}

func (l *link) Feed(ctx context.Context, after Position, yield func(Frame) bool) error {
	t := l.table()
	cursor, frames := t.Feed(feed.Position(after)), 0
	l.mu.Lock()
	drops := l.drops
	l.mu.Unlock()
	for {
		if err := l.awaitLink(ctx, drops); err != nil {
			return err
		}
		if l.table() != t {
			return errNetwork // it has connected to another primary
		}
		f, wait, err := cursor.Next()
		switch {
		case err != nil:
			if l.chance(2) {
				time.Sleep(time.Second)
			}
			return translate(err)
		case wait != nil:
			l.await(ctx, wait)
			continue
		}
		if frames++; frames == 1 || f.Synced || len(f.Changes) > 0 { // further pages follow at once
			if err := l.travel(ctx, answers); err != nil {
				return err
			}
		}
		if l.chance(2000) {
			return errNetwork
		}
		if !yield(outer(&f)) {
			return nil
		}
	}
}

// await waits for a change of the table, or until it is time to look at the link again.
func (l *link) await(ctx context.Context, wait <-chan struct{}) {
	l.mu.Lock()
	heard := l.heard
	l.mu.Unlock()
	select {
	case <-wait:
	case <-heard:
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
}

// awaitLink waits while the link is cut. Now and then the connection does not survive that.
func (l *link) awaitLink(ctx context.Context, drops int) error {
	for ctx.Err() == nil {
		l.p.pass()
		l.mu.Lock()
		cut, heard, dropped := l.cut || l.half == answers || l.p.isDead(), l.heard, l.drops != drops
		l.mu.Unlock()
		if !cut && dropped {
			return errNetwork
		} else if !cut {
			return nil
		}
		select {
		case <-heard:
			if l.chance(2) {
				return errNetwork
			}
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}
