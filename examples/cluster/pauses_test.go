//go:build unix

package main_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/hostlife/hostlife/internal/effort"
)

// Pauses of the scheduler that are longer than what its hosts are granted, but shorter than half a
// second, evict no host: hosts of 100 ms, and pauses of 400 ms (restatedev/restate#5156). A
// pause in which this process was late with the heartbeats of a host does not count.
func TestShortPausesEvictNobody(t *testing.T) {
	const hosts, tries = 50, 60
	pauses := 3
	if effort.Full() {
		pauses = 10
	}
	c := launch(t, binary, "scheduler", "-listen", "127.0.0.1:0", "-http", "127.0.0.1:0")
	conn, err := grpc.NewClient(c.says(`listening on (\S+)`), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	client := schedulerv2.NewSchedulerClient(conn)
	ctx, cancel := context.WithCancel(t.Context())
	var late atomic.Bool
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for i := range hosts {
		wg.Go(func() { announceOften(ctx, t, client, "host-"+strconv.Itoa(i), &late) })
	}
	page := c.says(`page on (\S+)`)
	eventually(t, "all are there", func() bool { return stats(t, page).Hosts == hosts })
	counted := 0
	for n := 0; counted < pauses && n < tries; n++ {
		before := stats(t, page).Departures.Evicted
		late.Store(false)
		c.signal(syscall.SIGSTOP)
		<-time.After(shortPause)
		c.signal(syscall.SIGCONT)
		<-time.After(600 * time.Millisecond)
		evicted := stats(t, page).Departures.Evicted - before
		if late.Load() {
			continue
		}
		counted++
		require.Zero(t, evicted)
	}
	require.Equal(t, pauses, counted, "pauses that count: otherwise the machine is too busy")
	eventually(t, "all are there", func() bool { return stats(t, page).Hosts == hosts })
}

const shortPause = 400 * time.Millisecond

// announceOften announces a host with an interval of 100 ms each 30 ms, until ctx ends. It notes if
// this process makes a contact late, or if one takes longer than a pause of the scheduler explains.
func announceOften(ctx context.Context, t *testing.T, client schedulerv2.SchedulerClient, id string, late *atomic.Bool) {
	for ended, tick := time.Now(), time.NewTicker(30*time.Millisecond); ; <-tick.C {
		began := time.Now()
		_, err := client.AnnounceHost(ctx, &schedulerv2.AnnounceHostRequest{
			Host:     &commonv2.Host{Id: id, Hostname: "h", Ip: "127.0.0.1", Port: 1024, DownloadPort: 1025},
			Interval: durationpb.New(100 * time.Millisecond),
		})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		if began.Sub(ended) > 100*time.Millisecond || time.Since(began) > shortPause+100*time.Millisecond {
			late.Store(true)
		}
		ended = time.Now()
	}
}

type figures struct {
	Hosts      int
	Departures struct{ Evicted int }
}

// stats asks the scheduler's page.
func stats(t *testing.T, page string) (s figures) {
	t.Helper()
	r, err := http.Get(page + "api/stats")
	require.NoError(t, err)
	defer func() { _ = r.Body.Close() }()
	require.NoError(t, json.NewDecoder(r.Body).Decode(&s))
	return s
}
