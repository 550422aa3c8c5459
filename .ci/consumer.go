// A consumer of the library, as small as one can be: .ci/run builds and runs it
// in a module of its own, outside the workspace.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/gc"
	"github.com/hostlife/hostlife/hostmgr"
)

func main() {
	mock := clock.NewMock()
	hosts, err := hostmgr.New(hostmgr.Config[string]{Clock: mock})
	check(err)
	runner, err := gc.New(gc.Config{Clock: mock})
	check(err)
	check(runner.Add(gc.Task{ID: "hosts", Interval: time.Minute, Run: hosts.RunGC}))

	_, err = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Second})
	check(err)
	mock.Add(2*time.Second + 1)
	check(runner.RunNow(context.Background(), "hosts"))
	if st := hosts.Stats(); st.Hosts != 0 || st.Departures.Evicted != 1 {
		check(fmt.Errorf("not evicted: %+v", st))
	}
	fmt.Println("consumer: a silent host was evicted")
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
