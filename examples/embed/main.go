// Command embed drives a registry from the embedder's own loop. Next says when there may be work,
// and Sweep does it. The command starts no goroutine.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		panic(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	hosts, err := hostmgr.New(hostmgr.Config[string]{
		StallThreshold: 100 * time.Millisecond, // a longer gap between sweeps does not count as silence
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			_, err := fmt.Fprintf(out, "%s %s: freeing %s\n", d.Host.ID, d.Kind, d.Host.Metadata)
			return err
		},
	})
	if err != nil {
		return err
	}
	err = errors.Join(announce(hosts, "silent"), announce(hosts, "steady"))
	requests := time.NewTicker(50 * time.Millisecond)
	defer requests.Stop()
	for err == nil && (hosts.Len() > 0 || hosts.Stats().Cleanup.Pending > 0) { // this is your own loop
		next, _ := hosts.Next() // at most half of StallThreshold ahead
		select {
		case <-time.After(time.Until(next)):
			hosts.Sweep(ctx)
		case <-requests.C: // steady announces itself until silent is gone; then it leaves
			err = serve(ctx, hosts)
		}
	}
	return err
}

// serve handles a request of steady: an announce, or a leave when silent is gone. If the cleanup after
// the leave failed, sweeps repeat it.
func serve(ctx context.Context, hosts *hostmgr.Registry[string]) error {
	if _, there := hosts.Get("silent"); there {
		return announce(hosts, "steady")
	}
	err := hosts.Leave(ctx, "steady", 0)
	if errors.Is(err, hostmgr.ErrCleanupPending) || errors.Is(err, hostmgr.ErrUnknownHost) {
		return nil
	}
	return err
}

func announce(hosts *hostmgr.Registry[string], id string) error {
	_, err := hosts.Announce(hostmgr.Announcement[string]{
		ID: id, Metadata: "what " + id + " had", Interval: 100 * time.Millisecond,
	})
	return err
}
