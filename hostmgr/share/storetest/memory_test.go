package storetest

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A tabled Store is Memory on a table of the test.
type tabled struct {
	share.Store
	table *table.Table
}

func memory(c table.Config) tabled {
	m := tabled{share.Memory(), table.New("test", c)}
	m.Store.(interface{ Use(*table.Table) }).Use(m.table)
	return m
}

func (m tabled) lose() { m.table.Lose(10) }

func (m tabled) wipe() { m.table.Wipe() }

// configs are tables that number and show changes as different engines do.
var configs = map[string]table.Config{
	"memory":      {},
	"like redis":  {Pages: 16, Chunk: 20},
	"like etcd":   {Pages: 3, Chunk: 1, Shared: true, Unused: 2, ByRevision: true},
	"small pages": {Pages: 1000, Chunk: 1},
}

// The tests of this package run in bubbles, whose limits no slow machine exceeds.
func TestMemory(t *testing.T) {
	for name, c := range configs {
		for _, r := range requirements {
			t.Run(name+"/"+r.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { newCheck(t, memory(c)).run(r.check) })
			})
		}
	}
}

func TestMemoryFaults(t *testing.T) {
	for name, c := range configs {
		for _, r := range faultRequirements {
			t.Run(name+"/"+r.name, func(t *testing.T) {
				short := c
				if strings.Contains(r.name, "trimmed") {
					short.Log = 20
				}
				synctest.Test(t, func(t *testing.T) {
					m := memory(short)
					f := Faults{Lose: m.lose, Wipe: m.wipe, Trim: func() {}}
					newCheck(t, m).run(func(k *check) { r.check(k, r.fault(&f)) })
				})
			})
		}
	}
}

// All subtests use one table, which has records of others, and leave it as it was. They go by real
// time.
func TestOneTableForAll(t *testing.T) {
	m := share.Memory()
	all := newCheck(t, m)
	all.prefix = ""
	others := all.fill(0, 300)
	TestStore(t, func(*testing.T) share.Store { return m })
	all.requireRecords("after all subtests", others...)
}

func TestFaultsOfOneEngine(t *testing.T) {
	TestFaults(t, func(*testing.T) (share.Store, Faults) {
		m := memory(table.Config{})
		return m, Faults{Lose: m.lose, Wipe: m.wipe}
	})
}

func TestNoFaultsAreSkipped(t *testing.T) {
	t.Run("", func(t *testing.T) {
		TestFaults(t, func(*testing.T) (share.Store, Faults) { return share.Memory(), Faults{} })
	})
}

// A distant Store has the latency of an engine elsewhere, and counts calls of Put.
type distant struct {
	share.Store
	puts *atomic.Int64
}

func (d distant) Put(ctx context.Context, batch []share.Write) error {
	d.puts.Add(1)
	d.travel()
	err := d.Store.Put(ctx, batch)
	d.travel()
	return err
}

func (d distant) Feed(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
	return d.Store.Feed(ctx, after, func(f share.Frame) bool {
		d.travel()
		return yield(f)
	})
}

func (distant) travel() { time.Sleep(rand.N(10 * time.Millisecond)) }

func TestADistantStore(t *testing.T) {
	var puts atomic.Int64
	var total time.Duration
	for _, r := range requirements {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				newCheck(t, distant{memory(table.Config{Pages: 16}), &puts}).run(r.check)
				total += time.Since(start)
			})
		})
	}
	t.Logf("%d calls of Put, %v", puts.Load(), total)
	require.Less(t, puts.Load(), int64(4000), "the comment of TestStore says how many")
}
