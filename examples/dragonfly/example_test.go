package dragonfly_test

import (
	"fmt"

	pkggc "d7y.io/dragonfly/v2/pkg/gc"
	"d7y.io/dragonfly/v2/pkg/types"
	"d7y.io/dragonfly/v2/scheduler/config"
	"d7y.io/dragonfly/v2/scheduler/resource/standard"

	"github.com/hostlife/hostlife/examples/dragonfly"
	"github.com/hostlife/hostlife/hostmgr"
)

func Example() {
	hosts, err := dragonfly.New(&config.New().Scheduler.GC, pkggc.New(), dragonfly.Options{Policy: hostmgr.Fixed(3)})
	if err != nil {
		panic(err)
	}
	// In AnnounceHost, twice:
	for range 2 {
		host, ok := hosts.Load("id")
		if ok {
			host, ok = hosts.Heard(host)
		}
		if !ok {
			host = standard.NewHost("id", "10.0.0.1", "name", "hostname", 8003, 8001, 4001, types.HostTypeNormal)
			host, _ = hosts.LoadOrStore(host)
		}
		fmt.Println(host.ID)
	}
	// In the filter of candidate parents:
	state, ok := hosts.State("id")
	fmt.Println(hosts.Len(), state, ok)
	// Output:
	// id
	// id
	// 1 alive true
}
