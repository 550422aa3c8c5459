package hostprom_test

import (
	"context"
	"io"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostprom"
	"github.com/hostlife/hostlife/gc"
	"github.com/hostlife/hostlife/hostmgr"
)

// scrape does the work of one request of a server, without the network.
func scrape(g prometheus.Gatherer, w io.Writer, format expfmt.Format) error {
	families, err := g.Gather()
	if err != nil {
		return err
	}
	to := expfmt.NewEncoder(w, format)
	for _, f := range families {
		if err := to.Encode(f); err != nil {
			return err
		}
	}
	return nil
}

// Scrapes overlap while hosts and tasks come and go.
func TestConcurrentScrapes(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[string]{
		EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.2},
		Cleanup:       func(context.Context, hostmgr.Departure[string]) error { return nil },
	})
	require.NoError(t, err)
	g, err := gc.New(gc.Config{})
	require.NoError(t, err)
	reg := prometheus.NewPedanticRegistry()
	require.NoError(t, reg.Register(&hostprom.Collector{
		Registries: map[string]func() hostmgr.Stats{"hosts": r.Stats, "again": r.Stats},
		GCs:        map[string]*gc.GC{"main": g},
	}))
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.Run(ctx) })
	wg.Go(func() { _ = g.Run(ctx) })
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			id := strconv.Itoa(i % 300)
			_, _ = r.Announce(hostmgr.Announcement[string]{ID: id, Interval: 10 * time.Millisecond, Zone: string([]byte{byte(i)})})
			if i%3 == 0 {
				_ = r.Leave(ctx, id, 0)
			}
			_ = g.Add(gc.Task{ID: id, Interval: time.Millisecond, Run: func(context.Context) error { return nil }})
			g.Remove(strconv.Itoa((i + 250) % 300))
		}
	})
	var scrapers sync.WaitGroup
	for range 3 {
		scrapers.Go(func() {
			for range 10 {
				if err := scrape(reg, io.Discard, expfmt.NewFormat(expfmt.TypeProtoDelim)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	scrapers.Wait()
	stop()
	wg.Wait()
}

// A registry that is scraped does not make heartbeats allocate.
func TestHeartbeatsAllocateNothing(t *testing.T) {
	hosts, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(t, err)
	_, err = hosts.Announce(hostmgr.Announcement[string]{ID: "a"})
	require.NoError(t, err)
	reg := prometheus.NewRegistry()
	reg.MustRegister(&hostprom.Collector{Registries: map[string]func() hostmgr.Stats{"hosts": hosts.Stats}})
	_, err = reg.Gather()
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if _, err := hosts.Heartbeat("a", 0); err != nil {
			t.Error(err)
		}
	}))
}
