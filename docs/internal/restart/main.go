// Command restart is a service that keeps its hosts, and the cleanups that it owes, over a restart.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/hostmgr"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	hosts, err := hostmgr.New(hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			log.Printf("%s %s: free %s", d.Host.ID, d.Kind, d.Host.Metadata)
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /hosts/{id}", func(w http.ResponseWriter, r *http.Request) {
		address, _, _ := net.SplitHostPort(r.RemoteAddr) // the port is another one in each connection
		a := hostmgr.Announcement[string]{ID: r.PathValue("id"), Metadata: address}
		if _, err := hosts.Announce(a); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	if err := run(ctx, hosts, &http.Server{Addr: "localhost:8080"}, "hosts.json"); err != nil {
		log.Fatal(err)
	}
}

// run serves hosts until ctx ends. It takes over what the former process has saved in the file, and
// saves it for the next one.
func run(ctx context.Context, hosts *hostmgr.Registry[string], server *http.Server, file string) error {
	if err := load(file, hosts); err != nil {
		return err
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return hosts.Run(running) })
	group.Go(func() error { return serve(running, server) })
	<-running.Done()
	unsaved := save(file, hosts) // the process may be killed before the cleanups have ended
	err := group.Wait()
	if errors.Is(err, hostmgr.ErrCleanupPending) {
		err = nil // Drain does the cleanups
	}
	last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if late := hosts.Drain(last); late != nil {
		log.Print("left to the next process: ", late)
	}
	return errors.Join(unsaved, err, save(file, hosts))
}

// serve returns when ctx has ended, and the requests that were under way too.
func serve(ctx context.Context, server *http.Server) error {
	ended := make(chan error, 1)
	go func() {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		ended <- server.Shutdown(last)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err // it could not listen
	}
	return <-ended
}

// A snapshot is what a process leaves for the next one.
type snapshot struct {
	Hosts []hostmgr.Host[string]
	Owed  []hostmgr.Departure[string]
}

func save(file string, hosts *hostmgr.Registry[string]) error {
	var s snapshot
	s.Hosts = slices.Collect(hosts.All())
	s.Owed = slices.Collect(hosts.Pending()) // after All: a host that departs in between is in Owed
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file) // a file that is half written replaces nothing
}

func load(file string, hosts *hostmgr.Registry[string]) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the first start
	}
	if err != nil {
		return err
	}
	var s snapshot
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if _, err := hosts.Restore(slices.Values(s.Hosts), slices.Values(s.Owed)); err != nil {
		return err
	}
	return os.Remove(file) // it is of no use once the hosts have changed
}
