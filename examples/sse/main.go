// Command sse serves server-sent events. Each session is a host, and its metadata is a channel. A
// write that the client takes is a heartbeat. Cleanup closes the channel and ends the session.
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/hostmgr"
)

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, stdout, _ io.Writer) error {
	fs := flag.NewFlagSet("sse", flag.ContinueOnError)
	addr := fs.String("addr", "127.0.0.1:8081", "listen on `address`")
	if err := cli.Parse(fs, "Command sse sends events to all clients.", args, stdout); err != nil {
		return err
	}
	hosts, _ := hostmgr.New(hostmgr.Config[chan string]{Cleanup: cleanup}) // this Config is valid
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { stream(w, r, hosts) })
	mux.HandleFunc("POST /{$}", func(_ http.ResponseWriter, r *http.Request) { publish(r, hosts) })
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return hosts.Run(running) })
	group.Go(func() error { return cli.ServeHTTP(running, *addr, mux, stdout) })
	return cli.Drain(group.Wait(), hosts, stdout)
}

func cleanup(_ context.Context, d hostmgr.Departure[chan string]) error {
	close(d.Host.Metadata)
	return nil
}

func publish(r *http.Request, hosts *hostmgr.Registry[chan string]) {
	event := fmt.Sprintf("data: %q\n\n", r.FormValue("text"))
	for id, events := range hosts.AllMetadata() {
		_ = hosts.While(id, 0, func() error { // a send to a closed channel would panic
			select {
			case events <- event:
			default: // a client that falls behind misses events
			}
			return nil
		})
	}
}

func stream(w http.ResponseWriter, r *http.Request, hosts *hostmgr.Registry[chan string]) {
	id, events := rand.Text(), make(chan string, 16)
	a := hostmgr.Announcement[chan string]{ID: id, Metadata: events}
	if _, err := hosts.Announce(a); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	context.AfterFunc(r.Context(), func() { _ = hosts.Leave(context.Background(), id, 0) })
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // the read deadline of the request would end the stream
	for text, open := ": welcome\n\n", true; open; {
		// This also ends a write that hangs, after the session has been evicted.
		_ = out.SetWriteDeadline(time.Now().Add(3 * hostmgr.DefaultInterval))
		if _, err := io.WriteString(w, text); err != nil || out.Flush() != nil {
			return
		}
		_, _ = hosts.Heartbeat(id, 0)
		select {
		case text, open = <-events:
		case <-time.After(hostmgr.DefaultInterval):
			text = ": ping\n\n"
		}
	}
}
