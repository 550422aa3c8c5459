package hostmgr_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

// The flight recorder writes a line for each join, departure and late contact. Package flight reads
// the lines, and replays them with any policy.
func ExampleConfig_recorder() {
	var log bytes.Buffer // in a service, a file
	mock := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{Clock: mock, Recorder: &log})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Second})
	mock.Add(3 * time.Second)
	hosts.Sweep(context.Background())

	for r, err := range flight.Read(&log) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(r.At.UTC().Format("05"), r.Kind, r.ID, r.Timeout)
	}
	// Output:
	// 00 begin  0s
	// 00 joined a 0s
	// 03 evicted a 2s
}
