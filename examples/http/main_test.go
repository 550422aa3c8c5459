package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/hostlife/hostlife/examples/internal/clitest"
	"github.com/hostlife/hostlife/examples/internal/post"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

// A host is the other side: it announces itself to a server, and stores its rows whenever a new
// registration began.
func host(t *testing.T, url, id string, rows ...string) *announcer.Announcer[string] {
	t.Helper()
	a, err := announcer.New(announcer.Config[string]{
		ID: id, Interval: 20 * time.Millisecond,
		Announce: func(ctx context.Context, a hostmgr.Announcement[string]) (hostmgr.Ack, error) {
			return post.To(ctx, url+"/announce", a)
		},
		Leave: func(ctx context.Context, id string, incarnation uint64) error {
			_, err := post.To(ctx, url+"/leave", message{ID: id, Incarnation: incarnation})
			return err
		},
		Joined: func(ctx context.Context, ack hostmgr.Ack) error {
			for _, row := range rows {
				if _, err := post.To(ctx, url+"/rows", message{ID: id, Registration: ack.Registration, Row: row}); err != nil {
					return err
				}
			}
			return nil
		},
	})
	require.NoError(t, err)
	return a
}

// open opens a database until the test ends.
func open(t *testing.T, file string) *bbolt.DB {
	t.Helper()
	db, err := bbolt.Open(file, 0o600, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func empty(t *testing.T) *bbolt.DB { return open(t, filepath.Join(t.TempDir(), "rows.db")) }

func count(t *testing.T, db *bbolt.DB) (rows int) {
	t.Helper()
	require.NoError(t, db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(table).ForEachBucket(func(registration []byte) error {
			return tx.Bucket(table).Bucket(registration).ForEach(func(_, _ []byte) error {
				rows++
				return nil
			})
		})
	}))
	return rows
}

// A host joins, stores rows, leaves; another one falls silent. No row is left of either.
func TestRowsEndWithTheirHosts(t *testing.T) {
	db := empty(t)
	hosts, err := newHosts(db, io.Discard)
	require.NoError(t, err)
	server := httptest.NewServer(handler(db.Update, hosts))
	defer server.Close()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = hosts.Run(ctx) })
	t.Cleanup(running.Wait)
	t.Cleanup(stop)

	leaves, leave := context.WithCancel(ctx)
	defer leave()
	left := make(chan error, 1)
	go func() { left <- host(t, server.URL, "leaves", "1", "2").Run(leaves) }()
	clitest.Eventually(t, "two rows", func() bool { return count(t, db) == 2 })
	var ack hostmgr.Ack
	clitest.Eventually(t, "a third row", func() bool { // its host may be evicted before that
		ack, err = post.To(ctx, server.URL+"/announce", hostmgr.Announcement[string]{ID: "falls silent", Interval: 20 * time.Millisecond})
		require.NoError(t, err)
		_, err = post.To(ctx, server.URL+"/rows", message{ID: "falls silent", Registration: ack.Registration, Row: "3"})
		return err == nil
	})
	clitest.Eventually(t, "the third row goes", func() bool { return count(t, db) == 2 })
	_, err = post.To(ctx, server.URL+"/rows", message{ID: "falls silent", Registration: ack.Registration, Row: "4"})
	require.ErrorIs(t, err, hostmgr.ErrUnknownHost)
	leave()
	require.NoError(t, <-left)
	require.Zero(t, count(t, db))
}

// Rows are stored while their host is evicted. The server refuses a row, or its cleanup finds it.
// The test writes to the database, which has one writer at a time, until the row is about to be
// stored and the host is gone.
func TestNoRowOutlivesItsRegistration(t *testing.T) {
	db := empty(t)
	hosts, err := newHosts(db, io.Discard)
	require.NoError(t, err)
	var waits atomic.Int64 // rows that wait for the database, or have waited
	server := httptest.NewServer(handler(func(write func(*bbolt.Tx) error) error {
		waits.Add(1)
		return db.Update(write)
	}, hosts))
	defer server.Close()
	for range 50 {
		ack, err := hosts.Announce(hostmgr.Announcement[string]{ID: "a"})
		require.NoError(t, err)
		writer, err := db.Begin(true)
		require.NoError(t, err)
		waited := waits.Load()
		var calls sync.WaitGroup
		for range 2 {
			calls.Go(func() {
				_, _ = post.To(t.Context(), server.URL+"/rows", message{ID: "a", Registration: ack.Registration, Row: "x"})
			})
		}
		clitest.Eventually(t, "a row waits for the database", func() bool { return waits.Load() > waited })
		calls.Go(func() { _ = hosts.Evict(t.Context(), "a", 0, "a test") })
		clitest.Eventually(t, "the host is gone", func() bool { return hosts.Len() == 0 })
		require.NoError(t, writer.Rollback())
		calls.Wait()
		require.NoError(t, hosts.Drain(t.Context()))
		require.Zero(t, count(t, db))
	}
}

func TestCommand(t *testing.T) {
	p := clitest.Start(t, run, "-addr", "127.0.0.1:0", "-db", filepath.Join(t.TempDir(), "rows.db"))
	url := "http" + p.After("listening on http")
	for _, path := range []string{"/announce", "/leave", "/rows"} {
		response, err := http.Get(url + path)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusMethodNotAllowed, response.StatusCode, "a GET changes nothing")
	}
	_, err := post.To(t.Context(), url+"/announce", hostmgr.Announcement[string]{ID: "a", Interval: 20 * time.Millisecond})
	require.NoError(t, err)
	p.After("a evicted: ")
	require.NoError(t, p.Interrupt())
	p.After("end: hosts registered: 0, departed: 1, cleanups pending: 0")
}

// A process that was killed has left its rows. The next one deletes them.
func TestRowsOfAnEarlierProcessAreDeleted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rows.db")
	db := open(t, file)
	hosts, err := newHosts(db, io.Discard)
	require.NoError(t, err)
	ack, err := hosts.Announce(hostmgr.Announcement[string]{ID: "a"})
	require.NoError(t, err)
	server := httptest.NewServer(handler(db.Update, hosts))
	defer server.Close()
	_, err = post.To(t.Context(), server.URL+"/rows", message{ID: "a", Registration: ack.Registration, Row: "x"})
	require.NoError(t, err)
	require.Equal(t, 1, count(t, db))
	require.ErrorIs(t, run(t.Context(), []string{"-db", file}, io.Discard, io.Discard), bolterrors.ErrTimeout)
	require.NoError(t, db.Close())

	db = open(t, file)
	require.Equal(t, 1, count(t, db))
	_, err = newHosts(db, io.Discard)
	require.NoError(t, err)
	require.Zero(t, count(t, db))
}
