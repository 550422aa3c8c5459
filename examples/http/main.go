// Command http tracks hosts that announce themselves by HTTP POST. The rows that a host stores in a
// bbolt database belong to its registration. When the registration has ended, its cleanup deletes
// them.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/post"
	"github.com/hostlife/hostlife/hostmgr"
)

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, stdout, _ io.Writer) error {
	unnamed := filepath.Join(os.TempDir(), "hostlife-http.db")
	fs := flag.NewFlagSet("http", flag.ContinueOnError)
	addr := fs.String("addr", "127.0.0.1:8080", "listen on `address`; hosts are not authenticated")
	file := fs.String("db", unnamed, "`file` of the database; rows that it has are deleted")
	if err := cli.Parse(fs, "Command http keeps rows in a database.", args, stdout); err != nil {
		return err
	}
	db, err := bbolt.Open(*file, 0o600, &bbolt.Options{Timeout: time.Second / 10}) // for another process that has it
	if err != nil {
		return err
	}
	hosts, err := newHosts(db, stdout)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return hosts.Run(running) })
	group.Go(func() error { return cli.ServeHTTP(running, *addr, handler(db.Update, hosts), stdout) })
	return errors.Join(cli.Drain(group.Wait(), hosts, stdout), db.Close())
}

var table = []byte("rows") // has a bucket for the rows of each registration

func key(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

// newHosts empties the table: rows of an earlier process belong to registrations that have ended.
func newHosts(db *bbolt.DB, out io.Writer) (*hostmgr.Registry[string], error) {
	if err := db.Update(func(tx *bbolt.Tx) error {
		_ = tx.DeleteBucket(table) // if it is there
		_, err := tx.CreateBucket(table)
		return err
	}); err != nil {
		return nil, err
	}
	return hostmgr.New(hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			_, _ = fmt.Fprintf(out, "%s %s: %s\n", d.Host.ID, d.Kind, d.Reason())
			err := db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(table).DeleteBucket(key(d.Host.Registration)) })
			if errors.Is(err, bolterrors.ErrBucketNotFound) {
				return nil // it has stored no row
			}
			return err
		},
	})
}

type message struct { // the body of a leave or a new row
	ID, Row                   string
	Incarnation, Registration uint64
}

func handler(update func(func(*bbolt.Tx) error) error, hosts *hostmgr.Registry[string]) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /announce", post.Handler(func(_ context.Context, a hostmgr.Announcement[string]) (hostmgr.Ack, error) {
		return hosts.Announce(a)
	}))
	mux.Handle("POST /leave", post.Do(func(ctx context.Context, m message) error {
		return hosts.Leave(ctx, m.ID, m.Incarnation)
	}))
	mux.Handle("POST /rows", post.Do(func(_ context.Context, m message) error {
		return hosts.While(m.ID, m.Registration, func() error { // before the cleanup, or an error
			return update(func(tx *bbolt.Tx) error {
				rows, err := tx.Bucket(table).CreateBucketIfNotExists(key(m.Registration))
				if err != nil {
					return err
				}
				number, _ := rows.NextSequence() // it fails only in a transaction that only reads
				return rows.Put(key(number), []byte(m.Row))
			})
		})
	}))
	return mux
}
