// Command embed shows a registry that is driven by the loop of whoever embeds
// it: Next says when there may be work, Sweep does it. No goroutine is started.
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
		MaxGap: 100 * time.Millisecond, // if we stall for longer, that is nobody's silence
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			_, err := fmt.Fprintf(out, "%s %s: freeing %s\n", d.Host.ID, d.Kind, d.Host.Metadata)
			return err
		},
	})
	if err != nil {
		return err
	}
	if err := errors.Join(announce(hosts, "silent"), announce(hosts, "steady")); err != nil {
		return err
	}
	beats := time.NewTicker(50 * time.Millisecond)
	defer beats.Stop()
	for err == nil && hosts.Len() > 0 { // this is your own loop
		next, _ := hosts.Next() // at most half of MaxGap ahead
		select {
		case <-beats.C: // requests would come in here
			err = beat(ctx, hosts)
		case <-time.After(time.Until(next)):
			select {
			case <-beats.C: // it came in time: hear it before judging anyone
				err = beat(ctx, hosts)
			default:
			}
			hosts.Sweep(ctx)
		}
	}
	return err
}

func announce(hosts *hostmgr.Registry[string], id string) error {
	_, err := hosts.Announce(hostmgr.Announcement[string]{
		ID: id, Metadata: "what " + id + " had", Interval: 100 * time.Millisecond,
	})
	return err
}

// beat is a sign of life of steady, which leaves when silent is gone.
func beat(ctx context.Context, hosts *hostmgr.Registry[string]) error {
	if _, err := hosts.Heartbeat("steady", 0); errors.Is(err, hostmgr.ErrUnknownHost) {
		return announce(hosts, "steady") // it was away for too long, and is welcome again
	} else if err != nil {
		return err
	}
	if _, there := hosts.Get("silent"); there {
		return nil
	}
	return hosts.Leave(ctx, "steady", 0)
}
