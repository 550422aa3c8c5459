// Command hostetcd is an etcd server for hostlife's schedulers. See -help.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/hostlife/hostlife/contrib/hostetcd/embedded"
	"github.com/hostlife/hostlife/hostmgr"
)

const about = `Usage: hostetcd [flags]

An etcd server for processes that share hosts with hostlife's package hostetcd. It is
for trials, and for a cluster on machines that have no etcd packages. It prints
"listening on HOST:PORT" when it is ready, and ends at SIGINT or SIGTERM. In a cluster it
is ready when most of the servers run.

Three servers, each on a machine of its own:
  hostetcd -name a -dir /var/lib/hostetcd -listen 10.0.0.1:2379 -cluster a=10.0.0.1:2380,b=10.0.0.2:2380,c=10.0.0.3:2380
  hostetcd -name b -dir /var/lib/hostetcd -listen 10.0.0.2:2379 -cluster (the same)
  hostetcd -name c -dir /var/lib/hostetcd -listen 10.0.0.3:2379 -cluster (the same)

It speaks plain text and asks for no password: let only trusted processes reach it.`

var errUsage = errors.New("see -help")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	os.Exit(code(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)))
}

// code returns the exit code: 0 after success or for help, 2 after a mistake on the command line, 1
// after any other error.
func code(err error) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	_, _ = fmt.Fprintln(os.Stderr, "hostetcd:", err)
	if errors.Is(err, errUsage) || errors.Is(err, hostmgr.ErrInvalid) {
		return 2
	}
	return 1
}

type options struct {
	embedded.Config
	withStdin bool
	verbose   bool
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "hostetcd-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(o.Dir) }()
	}
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelDebug
	}
	o.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	if o.withStdin {
		ctx = untilEOF(ctx, stdin)
	}
	return serve(ctx, o.Config, stdout)
}

func parse(args []string, stdout io.Writer) (o options, err error) {
	fs := flag.NewFlagSet("hostetcd", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	cluster := fs.String("cluster", "", "the servers of the cluster, with the `ADDRESSES` for each other: NAME=HOST:PORT,... Empty: one server")
	fs.StringVar(&o.Name, "name", "hostlife", "the `NAME` of this server in the cluster, always the same")
	fs.StringVar(&o.Listen, "listen", "127.0.0.1:0", "the `HOST:PORT` for clients, by IP address; port 0 means any that is free")
	fs.StringVar(&o.PeerListen, "peer-listen", "", "the `HOST:PORT` for the other servers; empty means that in -cluster")
	fs.StringVar(&o.Dir, "dir", "", "the `FOLDER` of the data; empty means a temporary one, which is removed at the end")
	fs.IntVar(&o.Keep, "keep", 200_000, "the least `NUMBER` of revisions that are kept")
	fs.Int64Var(&o.Quota, "quota", 2<<30, "the largest size of the data, in `BYTES`; beyond it no write is accepted")
	fs.BoolVar(&o.withStdin, "with-stdin", false, "end when the standard input ends, too: for a parent that started this process")
	fs.BoolVar(&o.verbose, "v", false, "log all that etcd logs")
	err = fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = fmt.Fprintf(stdout, "%s\n\nFlags:\n", about)
		fs.SetOutput(stdout)
		fs.PrintDefaults()
		return o, err
	case err != nil:
		return o, usagef("%v", err)
	case fs.NArg() > 0:
		return o, usagef("unexpected argument %q", fs.Arg(0))
	}
	o.Cluster, err = parseCluster(*cluster)
	return o, err
}

func parseCluster(s string) (map[string]string, error) {
	cluster := map[string]string{}
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' }) {
		name, address, ok := strings.Cut(part, "=")
		if !ok || cluster[name] != "" {
			return nil, usagef("-cluster: %q is not NAME=HOST:PORT, or has a name again", part)
		}
		cluster[name] = address
	}
	return cluster, nil
}

func usagef(format string, args ...any) error {
	return fmt.Errorf("%s (%w)", fmt.Sprintf(format, args...), errUsage)
}

// untilEOF returns a context that ends with stdin, too.
func untilEOF(ctx context.Context, stdin io.Reader) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, stdin)
	}()
	return ctx
}

// serve runs a server until ctx ends.
func serve(ctx context.Context, c embedded.Config, stdout io.Writer) (err error) {
	server, err := embedded.Start(ctx, c)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil // as when it is told to end later
	case err != nil:
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	_, _ = fmt.Fprintf(stdout, "listening on %s\n", server.Addr())
	select {
	case <-ctx.Done():
		return nil
	case <-server.Done():
		return fmt.Errorf("the server has stopped by itself: see its log; its data are in %s", filepath.Clean(c.Dir))
	}
}
