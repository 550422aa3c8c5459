// Command http tracks hosts that announce themselves by HTTP POST. The rows that a host stores in
// SQLite belong to its registration. When the registration has ended, its cleanup deletes them.
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
	addr := fs.String("addr", "127.0.0.1:8080", "listen on `address`; hosts are not authenticated")
	file := fs.String("db", ":memory:", "`file` of the database; rows that it has are deleted")
	if err := cli.Parse(fs, "Command http keeps rows in SQLite.", args, stdout); err != nil {
		return err
	}
	db, _ := sql.Open("sqlite", *file) // it fails only without the driver
	hosts, err := newHosts(db, stdout)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return hosts.Run(running) })
	group.Go(func() error { return cli.ServeHTTP(running, *addr, handler(db, hosts), stdout) })
	return errors.Join(cli.Drain(group.Wait(), hosts, stdout), db.Close())
}

// newHosts empties the table: rows of an earlier process belong to registrations that have ended.
func newHosts(db *sql.DB, out io.Writer) (*hostmgr.Registry[string], error) {
	db.SetMaxOpenConns(1) // each connection to :memory: is a database of its own
	_, err := db.Exec("DROP TABLE IF EXISTS rows; CREATE TABLE rows (registration, name)")
	if err != nil {
		return nil, err
	}
	return hostmgr.New(hostmgr.Config[string]{
		Cleanup: func(ctx context.Context, d hostmgr.Departure[string]) error {
			_, _ = fmt.Fprintf(out, "%s %s: %s\n", d.Host.ID, d.Kind, d.Reason())
			const query = "DELETE FROM rows WHERE registration = ?"
			_, err := db.ExecContext(ctx, query, d.Host.Registration)
			return err
		},
	})
}

type message struct { // the body of a leave or a new row
	ID, Row                   string
	Incarnation, Registration uint64
}

func handler(db *sql.DB, hosts *hostmgr.Registry[string]) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /announce", post.Handler(
		func(_ context.Context, a hostmgr.Announcement[string]) (hostmgr.Ack, error) {
			return hosts.Announce(a)
		}))
	mux.Handle("POST /leave", post.Do(func(ctx context.Context, m message) error {
		return hosts.Leave(ctx, m.ID, m.Incarnation)
	}))
	mux.Handle("POST /rows", post.Do(func(ctx context.Context, m message) error {
		return hosts.While(m.ID, m.Registration, func() error { // before the cleanup, or an error
			_, err := db.ExecContext(ctx, "INSERT INTO rows VALUES (?, ?)", m.Registration, m.Row)
			return err
		})
	}))
	return mux
}
