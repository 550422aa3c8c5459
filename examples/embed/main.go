// Command embed shows a registry that is driven by the loop of whoever embeds
// it: Next says when there may be work, Sweep does it. No goroutine is started.
package main

import (
	"context"
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
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			_, err := fmt.Fprintf(out, "%s %s: freeing %s\n", d.Host.ID, d.Kind, d.Host.Metadata)
			return err
		},
	})
	if err != nil {
		return err
	}
	for _, id := range []string{"silent", "steady"} {
		a := hostmgr.Announcement[string]{ID: id, Metadata: "what " + id + " had", Interval: 100 * time.Millisecond}
		if _, err := hosts.Announce(a); err != nil {
			return err
		}
	}
	beat := time.NewTicker(50 * time.Millisecond)
	defer beat.Stop()
	for next, ok := hosts.Next(); ok; next, ok = hosts.Next() { // this is your own loop
		select {
		case <-time.After(time.Until(next)):
			hosts.Sweep(ctx)
		case <-beat.C: // requests would come in here
			if hosts.Len() == 2 {
				_, err = hosts.Heartbeat("steady", 0)
			} else { // silent is gone, and steady leaves too
				err = hosts.Leave(ctx, "steady", 0)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
