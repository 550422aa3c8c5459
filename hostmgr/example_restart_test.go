package hostmgr_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hostlife/hostlife/hostmgr"
)

// A snapshot is what a process leaves for the next one.
type snapshot struct {
	Hosts []hostmgr.Host[string]
	Owed  []hostmgr.Departure[string]
}

func save(file string, hosts *hostmgr.Registry[string]) error {
	text, err := json.Marshal(snapshot{slices.Collect(hosts.All()), slices.Collect(hosts.Pending())})
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

func load(file string, hosts *hostmgr.Registry[string]) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var s snapshot
	if err = json.Unmarshal(text, &s); err != nil {
		return err
	}
	_, err = hosts.Restore(slices.Values(s.Hosts), slices.Values(s.Owed))
	return err
}

// A scheduler is restarted while the database is down. The next process knows the hosts, and does
// the cleanup that the former one owed.
func Example_restart() {
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "hosts.json")

	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Cleanup: func(context.Context, hostmgr.Departure[string]) error { return errors.New("database is down") },
	})
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- hosts.Run(ctx) }()
	for _, id := range []string{"a", "b"} {
		_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: id, Metadata: "data of " + id})
	}
	_ = hosts.Leave(ctx, "a", 0)
	stop()
	fmt.Println("undone:", errors.Is(<-stopped, hostmgr.ErrCleanupPending))
	fmt.Println("saved:", save(file, hosts))

	next, _ := hostmgr.New(hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			fmt.Println("freed", d.Host.Metadata)
			return nil
		},
	})
	fmt.Println("loaded:", load(file, next))
	fmt.Println("drained:", next.Drain(context.Background()))
	for h := range next.All() {
		fmt.Println(h.ID, h.Metadata)
	}
	// Output:
	// undone: true
	// saved: <nil>
	// loaded: <nil>
	// freed data of a
	// drained: <nil>
	// b data of b
}
