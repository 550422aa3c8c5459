// Command sse serves server-sent events. Each session is a host. A ping that its client takes is
// its heartbeat, and its cleanup closes it.
package main

import (
	"context"
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
	addr := fs.String("addr", "127.0.0.1:8081", "`address` to listen on")
	ping := fs.Duration("ping", 15*time.Second, "`time` between pings")
	if err := cli.Parse(fs, "Command sse sends what is posted to /events to all that get /events.", args, stdout); err != nil {
		return err
	}
	s, err := newServer(*ping, stdout)
	if err != nil {
		return err
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return cli.ServeHTTP(running, *addr, s.handler(), stdout) })
	group.Go(func() error { return s.hosts.Run(running) })
	return cli.Drain(group.Wait(), s.hosts.Drain)
}

type server struct {
	ping  time.Duration
	hosts *hostmgr.Registry[*session] // a session is the metadata of its host: this is the only table of them
}

func newServer(ping time.Duration, out io.Writer) (*server, error) {
	hosts, err := hostmgr.New(hostmgr.Config[*session]{
		MaxHosts: 100_000,
		Cleanup: func(_ context.Context, d hostmgr.Departure[*session]) error {
			d.Host.Metadata.end()
			_, _ = fmt.Fprintf(out, "session %s: %s\n", d.Host.ID, d.Reason())
			return nil
		},
	})
	return &server{ping, hosts}, err
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /events", s.stream)
	mux.HandleFunc("POST /events", s.publish)
	return mux
}
