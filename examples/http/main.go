// Command http tracks hosts that announce themselves by HTTP POST. A host stores rows in SQLite,
// which belong to its registration. When that has ended, its cleanup deletes them.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"

	"golang.org/x/sync/errgroup"
	_ "modernc.org/sqlite"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/post"
	"github.com/hostlife/hostlife/hostmgr"
)

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, stdout, _ io.Writer) error {
	fs := flag.NewFlagSet("http", flag.ContinueOnError)
	addr := fs.String("addr", "127.0.0.1:8080", "`address` to listen on; hosts are not authenticated")
	file := fs.String("db", ":memory:", "`file` of the database; rows that it has are deleted")
	if err := cli.Parse(fs, "Command http tracks hosts by HTTP, and keeps their rows in SQLite.", args, stdout); err != nil {
		return err
	}
	db, _ := sql.Open("sqlite", *file) // it fails only without the driver
	hosts, err := newHosts(db, stdout)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return cli.ServeHTTP(running, *addr, handler(db, hosts), stdout) })
	group.Go(func() error { return hosts.Run(running) })
	return errors.Join(cli.Drain(group.Wait(), hosts.Drain), db.Close())
}

// newHosts empties the table. Rows of an earlier process belong to registrations that have ended:
// each host joins again, and stores its rows again.
func newHosts(db *sql.DB, out io.Writer) (*hostmgr.Registry[string], error) {
	db.SetMaxOpenConns(1) // SQLite has one writer, and another connection to :memory: is another database
	if _, err := db.Exec("DROP TABLE IF EXISTS rows; CREATE TABLE rows (registration INTEGER, name TEXT)"); err != nil {
		return nil, err
	}
	return hostmgr.New(hostmgr.Config[string]{Cleanup: func(ctx context.Context, d hostmgr.Departure[string]) error {
		_, err := db.ExecContext(ctx, "DELETE FROM rows WHERE registration = ?", d.Host.Registration)
		_, _ = fmt.Fprintf(out, "%s %s: %s; rows deleted: %v\n", d.Host.ID, d.Kind, d.Reason(), err == nil)
		return err
	}})
}

type message struct { // the body of a heartbeat, a leave or a new row
	ID, Row                   string
	Incarnation, Registration uint64
}

func handler(db *sql.DB, hosts *hostmgr.Registry[string]) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /announce", post.Handler(func(_ context.Context, a hostmgr.Announcement[string]) (hostmgr.Ack, error) {
		return hosts.Announce(a)
	}))
	mux.Handle("POST /heartbeat", post.Handler(func(_ context.Context, m message) (hostmgr.Ack, error) {
		return hosts.Heartbeat(m.ID, m.Incarnation)
	}))
	mux.Handle("POST /leave", post.Handler(func(ctx context.Context, m message) (hostmgr.Ack, error) {
		return hostmgr.Ack{}, hosts.Leave(ctx, m.ID, m.Incarnation)
	}))
	mux.Handle("POST /rows", post.Handler(func(ctx context.Context, m message) (hostmgr.Ack, error) {
		// While ends before the cleanup begins, or returns an error at once. So no row is left.
		return hostmgr.Ack{}, hosts.While(m.ID, m.Registration, func() error {
			_, err := db.ExecContext(ctx, "INSERT INTO rows VALUES (?, ?)", m.Registration, m.Row)
			return err
		})
	}))
	return mux
}
