package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A session is one client's stream of events.
type session struct {
	events chan string // a client that falls behind misses events
	end    func()
}

// stream serves a session until the client goes or the cleanup ends it. EventSource can only GET,
// and that is harmless: it opens a session of its own, whose id no other client knows, and changes
// no other one.
func (s *server) stream(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // the request is read, and its time limit is not for the stream
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Connection", "close") // the cleanup ends writes to this connection, also a later one

	id, me := rand.Text(), &session{events: make(chan string, 16), end: func() {
		cancel()
		_ = out.SetWriteDeadline(time.Now())
	}}
	if _, err := s.hosts.Announce(hostmgr.Announcement[*session]{ID: id, Metadata: me, Interval: s.ping}); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer func() { _ = s.hosts.Leave(context.WithoutCancel(ctx), id, 0) }() // it may be evicted already
	s.send(ctx, w, id, me.events)
}

// send writes events, and pings in between. A write that the client does not take hangs, and the
// host falls silent.
func (s *server) send(ctx context.Context, w http.ResponseWriter, id string, events <-chan string) {
	ping := time.NewTicker(s.ping)
	defer ping.Stop()
	for text := ": welcome\n\n"; ; {
		if _, err := io.WriteString(w, text); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		if _, err := s.hosts.Heartbeat(id, 0); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ping.C:
			text = ": ping\n\n"
		case text = <-events:
		}
	}
}

// publish sends the body of a request to all sessions. It waits for none.
func (s *server) publish(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	data, _ := json.Marshal(string(body)) // on one line
	for _, session := range s.hosts.AllMetadata() {
		select {
		case session.events <- fmt.Sprintf("data: %s\n\n", data):
		default:
		}
	}
}
