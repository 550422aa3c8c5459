package sharing

import (
	"errors"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/engine"
	"github.com/hostlife/hostlife/benchmarks/internal/members"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// beginnings is how often a member begins; the median counts.
const beginnings = 3

// snapshots measures how long a member takes from its start until its registry has all hosts.
func (b *bench) snapshots() error {
	if err := b.fleet(); err != nil {
		return err
	}
	return b.snapshot(b.Hosts, 2)
}

// many does the same with more hosts, which one other member has registered. They make no contacts.
func (b *bench) many() error {
	if b.Many == 0 {
		return nil
	}
	if _, err := b.fresh(); err != nil {
		return err
	}
	p, err := b.startMember(b.kind, 0, 0)
	if err != nil {
		return err
	}
	b.members = []*members.Process{p}
	_, err = p.Announce(members.Join{
		Hosts: members.Hosts{To: b.Many}, Schedule: members.Schedule{Members: 1, Alive: []int{0}},
		Interval: 24 * time.Hour, Flush: true,
	})
	if err != nil {
		return err
	}
	if err := b.snapshot(b.Many, 15); err != nil {
		return err
	}
	return b.stop()
}

// snapshot starts another member, some times. The limit is in seconds.
func (b *bench) snapshot(hosts int, limit float64) error {
	var all, read []float64
	w := b.window()
	for range beginnings {
		begun, err := b.another(hosts)
		if err != nil {
			return err
		}
		all = append(all, max(begun.Ready, begun.Hosts).Seconds())
		took, err := b.readTable(hosts)
		if err != nil {
			return err
		}
		read = append(read, took.Seconds())
	}
	load := w.Close()
	b.limited(load, fmt.Sprintf("a member begins, until it is ready and its registry has %d hosts", hosts), median(all), "s", limit)
	b.add(load, "a feed alone, until it is synced: nothing is decoded or registered", median(read), "s")
	return nil
}

// another starts a member with an index that no host has, and stops it.
func (b *bench) another(hosts int) (begun members.Begun, err error) {
	p, err := b.startMember(b.kind, b.Members, hosts)
	if err != nil {
		return begun, err
	}
	return p.Begun, p.Stop()
}

// readTable reads a snapshot of the table in this process.
func (b *bench) readTable(hosts int) (time.Duration, error) {
	start := time.Now()
	store, closed, err := engine.Open(b.kind, b.engine.Addr)
	if err != nil {
		return 0, err
	}
	records := 0
	err = store.Feed(b.ctx, share.Position{}, func(f share.Frame) bool {
		records += len(f.Snapshot)
		return !f.Synced
	})
	took := time.Since(start)
	if err == nil && records < hosts {
		err = fmt.Errorf("a snapshot of %d records of %d hosts", records, hosts)
	}
	return took, errors.Join(err, closed())
}
