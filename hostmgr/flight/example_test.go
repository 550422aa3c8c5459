package flight_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

// A longer timeout would have kept a host that was evicted.
func ExampleReplay() {
	var log bytes.Buffer // in a service, a file
	now := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{Clock: now, Recorder: &log})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Second})
	now.Add(2*time.Second + 1)
	hosts.Sweep(context.Background()) // evicts the host
	now.Add(500 * time.Millisecond)
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Second})
	hosts.Sweep(context.Background()) // writes the log

	for v, err := range flight.Replay(flight.Read(&log), hostmgr.Fixed(3)) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(v)
	}
	// Output:
	// 1970-01-01T00:00:02.000000001Z evicted "a": silent for 2.000000001s, timeout 2s at an interval of 1s; would have been kept: it joined again 500ms after its eviction
}
